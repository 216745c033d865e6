using System.Text.Json;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Output;

/// <summary>Something that went wrong with one path, and did not end the command.</summary>
/// <param name="Code">A stable word for it.</param>
internal readonly record struct PathError(byte[] Path, string Code, string Message)
{
    public override string ToString() => $"{PathText.ForPeople(Path)}: {Message}";
}

/// <summary>
/// Collects the errors of a command. Every one is reported as it comes; a summary repeats the first
/// <see cref="MaxKept"/>, so that a disk that fails does not fill the memory.
/// </summary>
internal sealed class PathErrors(Report report)
{
    public const int MaxKept = 10_000;

    private readonly List<PathError> _kept = [];
    private readonly Lock _lock = new();

    /// <summary>The first of them.</summary>
    public IReadOnlyList<PathError> Kept
    {
        get
        {
            lock (_lock)
            {
                return [.. _kept];
            }
        }
    }

    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    public void Add(byte[] path, string message) => Add(path, "failed", message);

    public void Add(byte[] path, string code, string message)
    {
        var error = new PathError(path, code, message);
        lock (_lock)
        {
            Count++;
            if (_kept.Count < MaxKept)
            {
                _kept.Add(error);
            }
        }

        report.Warn(error.ToString());
    }

    /// <summary>Begins anew, for work that is done once more.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            Count = 0;
            _kept.Clear();
        }
    }

    /// <summary>Writes the array "errors" with objects of path, code and message.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        lock (_lock)
        {
            writer.WriteNumber("errorsTotal", Count);
            writer.WriteStartArray("errors");
            foreach (var error in _kept)
            {
                writer.WriteStartObject();
                writer.WritePath("path", error.Path);
                writer.WriteString("code", error.Code);
                writer.WriteString("message", error.Message);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }
    }
}
