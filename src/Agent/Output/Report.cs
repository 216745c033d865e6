using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Output;

/// <summary>
/// Everything a command says. For people: results on standard output, remarks and errors on standard error. With --json:
/// one object a line on standard output, and nothing else there.
/// </summary>
/// <param name="json">Lines of JSON instead of text.</param>
/// <param name="quiet">Results and errors alone.</param>
internal sealed class Report(TextWriter output, TextWriter errors, bool json, bool quiet)
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _lock = new();

    public bool Json => json;

    public bool Quiet => quiet;

    /// <summary>A line of JSON of the given type, or its text for people; either may be null.</summary>
    public void Result(string type, Action<Utf8JsonWriter> fields, string? text)
    {
        if (json)
        {
            JsonLine(type, fields);
        }
        else if (text is not null)
        {
            lock (_lock)
            {
                output.WriteLine(text);
            }
        }
    }

    /// <summary>The last line of JSON of a command that has nothing to add for people.</summary>
    public void JsonSummary(Action<Utf8JsonWriter> fields) => Result("summary", fields, null);

    public void JsonLine(string type, Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            fields(writer);
            writer.WriteEndObject();
        }

        lock (_lock)
        {
            output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
            output.Flush();
        }
    }

    /// <summary>A remark on the way, for people who asked neither for JSON nor for quiet.</summary>
    public void Note(string text)
    {
        if (!json && !quiet)
        {
            Say(text);
        }
    }

    /// <summary>Something that went wrong on the way and did not end the command; in JSON it stands in the summary's errors.</summary>
    public void Warn(string text)
    {
        if (!json)
        {
            Say(text);
        }
    }

    /// <summary>The last words of a command that failed.</summary>
    public void Error(string code, string message)
    {
        if (json)
        {
            JsonLine("error", writer =>
            {
                writer.WriteString("code", code);
                writer.WriteString("message", message);
            });
        }
        else
        {
            Say($"backup-agent: {message}");
        }
    }

    private void Say(string text)
    {
        lock (_lock)
        {
            errors.WriteLine(text);
        }
    }
}

/// <summary>How paths are written in JSON.</summary>
internal static class JsonPaths
{
    /// <summary>The path as text, and where it is no UTF-8 also its bytes in base64, under the name followed by "Base64".</summary>
    public static void WritePath(this Utf8JsonWriter writer, string name, ReadOnlySpan<byte> path)
    {
        writer.WriteString(name, Encoding.UTF8.GetString(path));
        if (!PathText.IsUtf8(path))
        {
            writer.WriteBase64String(name + "Base64", path);
        }
    }
}
