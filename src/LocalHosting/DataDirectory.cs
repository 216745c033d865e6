using System.Globalization;
using System.Text.Json;

namespace BackupPlatform.LocalHosting;

/// <summary>The folder that holds all state of one platform, owned by one running host at a time.</summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The environment variable by which a process tells which run it belongs to.</summary>
    public const string MarkVariable = "BACKUP_PLATFORM_RUN";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream heldLock, string runId)
    {
        Path = path;
        RunId = runId;
        _lock = heldLock;
    }

    public string Path { get; }

    /// <summary>Names this run of the platform; part of the mark that its processes carry.</summary>
    public string RunId { get; }

    public string PortsFile => In("ports.json");

    public string SecretsFile => In("secrets.json");

    public string EndpointsFile => In("endpoints.json");

    public string PrimaryStore => In("stores", "primary-0");

    private string PidFile => In("platform.pid");

    public string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    public string LogOf(string name) => In("logs", name + ".log");

    /// <summary>Takes the folder, and ends what a host that was killed may have left running on it.</summary>
    /// <exception cref="HostingException">Another host runs on it.</exception>
    public static async Task<DataDirectory> OpenAsync(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        FileStream heldLock;
        try
        {
            heldLock = new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
        {
            var running = ReadPidFile(System.IO.Path.Combine(path, "platform.pid"));
            throw new HostingException($"a platform is running on {path} already{(running is null ? "" : $" (process {running.Value.ProcessId})")}; "
                + "stop it with infra/stop.sh, or name another folder with --data");
        }

        var data = new DataDirectory(path, heldLock, Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16)));
        File.Delete(data.EndpointsFile);
        Directory.CreateDirectory(data.In("logs"));
        Directory.CreateDirectory(data.PrimaryStore);
        if (ReadPidFile(data.PidFile) is { } former) await Leftovers.EndAsync($"{MarkVariable}={former.RunId}");
        data.WritePidFile();
        return data;
    }

    /// <summary>Writes a document so that a reader sees all of it or the one before, and nobody else may read it.</summary>
    public static void WriteJson<T>(string path, T value) => WriteOwnerOnly(path, JsonSerializer.SerializeToUtf8Bytes(value, Indented));

    /// <inheritdoc cref="WriteJson{T}" />
    public static void WriteText(string path, string text) => WriteOwnerOnly(path, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Reads a document that <see cref="WriteJson{T}" /> wrote, or a new one.</summary>
    public static T ReadJson<T>(string path) where T : new()
    {
        if (!File.Exists(path)) return new T();
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path)) ?? new T();
        }
        catch (JsonException e)
        {
            throw new HostingException($"{path} is damaged ({e.Message}); restore it from a copy, or start with another --data");
        }
    }

    /// <summary>Says that the platform has stopped, and lets the folder go.</summary>
    public void Dispose()
    {
        File.Delete(EndpointsFile);
        File.Delete(PidFile);
        _lock.Dispose();
    }

    private static void WriteOwnerOnly(string path, byte[] content)
    {
        var next = path + ".new";
        File.Delete(next);
        using (var file = new FileStream(next, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }

    private void WritePidFile()
    {
        var start = ProcFs.StartTime(Environment.ProcessId);
        var next = PidFile + ".new";
        File.WriteAllText(next, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {start} {RunId}\n"));
        File.Move(next, PidFile, overwrite: true);
    }

    private static (int ProcessId, string RunId)? ReadPidFile(string path)
    {
        if (!File.Exists(path)) return null;
        var fields = File.ReadAllText(path).Split(' ', StringSplitOptions.TrimEntries);
        return fields.Length == 3 && int.TryParse(fields[0], CultureInfo.InvariantCulture, out var id) ? (id, fields[2]) : null;
    }
}
