namespace BackupPlatform.LocalHosting;

/// <summary>The console of the host: its own messages, and, unless it is quiet, what the parts print.</summary>
internal sealed class PlatformConsole(bool quiet, string? logFile)
{
    private readonly Lock _lock = new();
    private readonly LogFile? _log = logFile is null ? null : new LogFile(logFile);

    /// <summary>A message of the host itself.</summary>
    public void Say(string message)
    {
        lock (_lock)
        {
            _log?.Write($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff}Z {message}");
            TryWrite(message);
        }
    }

    /// <summary>A line that a part has printed.</summary>
    public void Relay(string name, string line)
    {
        if (quiet) return;
        lock (_lock) TryWrite($"[{name}] {line}");
    }

    private static void TryWrite(string line)
    {
        try
        {
            Console.Out.WriteLine(line);
        }
        catch (IOException)
        {
            // nobody reads any more; the log files have everything
        }
    }
}
