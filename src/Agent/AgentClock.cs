using System.Xml;

namespace BackupPlatform.Agent;

/// <summary>
/// The agent's clock: the system's, and in the Development environment shifted by the ISO-8601 duration in the file that
/// BACKUP_PLATFORM_CLOCK names, read anew every second. In any other environment the variable is ignored.
/// </summary>
internal sealed class AgentClock : TimeProvider
{
    private readonly string _file;
    private readonly Lock _lock = new();
    private TimeSpan _shift;
    private long _readAt;
    private bool _read;

    private AgentClock(string file) => _file = file;

    public static TimeProvider Create(Func<string, string?> environment)
    {
        var file = environment("BACKUP_PLATFORM_CLOCK");
        var development = string.Equals(environment("DOTNET_ENVIRONMENT"), "Development", StringComparison.OrdinalIgnoreCase);
        return development && !string.IsNullOrEmpty(file) ? new AgentClock(file) : System;
    }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Shift();

    private TimeSpan Shift()
    {
        lock (_lock)
        {
            if (!_read || System.GetElapsedTime(_readAt) >= TimeSpan.FromSeconds(1))
            {
                _shift = ReadShift() ?? _shift;
                _readAt = System.GetTimestamp();
                _read = true;
            }

            return _shift;
        }
    }

    /// <summary>Null where the file is being rewritten this very moment: the former shift holds on.</summary>
    private TimeSpan? ReadShift()
    {
        try
        {
            return File.Exists(_file) ? XmlConvert.ToTimeSpan(File.ReadAllText(_file).Trim()) : TimeSpan.Zero;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
