namespace BackupPlatform.LocalHosting;

/// <summary>A log of bounded size: when it is full it becomes NAME.1, in place of the one before.</summary>
internal sealed class LogFile : IDisposable
{
    private const long MaxBytes = 8 << 20;

    private readonly Lock _lock = new();
    private readonly string _path;
    private StreamWriter _writer;

    public LogFile(string path)
    {
        _path = path;
        _writer = Open();
    }

    public void Write(string line)
    {
        lock (_lock)
        {
            _writer.WriteLine(line);
            if (_writer.BaseStream.Length < MaxBytes) return;
            _writer.Dispose();
            File.Move(_path, _path + ".1", overwrite: true);
            _writer = Open();
        }
    }

    /// <summary>The last lines of a log, to be shown with an error.</summary>
    public static string Tail(string path, int lines = 20)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        if (reader.BaseStream.Length > 64 << 10) reader.BaseStream.Seek(-(64 << 10), SeekOrigin.End);
        return string.Join('\n', reader.ReadToEnd().TrimEnd().Split('\n').TakeLast(lines));
    }

    public void Dispose()
    {
        lock (_lock) _writer.Dispose();
    }

    private StreamWriter Open() =>
        new(new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
}
