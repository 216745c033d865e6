using System.Xml;

namespace BackupPlatform.ServiceDefaults;

/// <summary>
/// The system's clock plus an offset that a file holds (one ISO-8601 duration, such as <c>P3D</c> or <c>-PT2H</c>), for trying
/// out what happens next week. For the Development environment alone.
/// </summary>
/// <remarks>The file is read anew at most every half second; a file that is missing or unreadable means no offset.</remarks>
public sealed class PlatformClock(string file) : TimeProvider
{
    /// <summary>The environment variable that names the file.</summary>
    public const string Variable = "BACKUP_PLATFORM_CLOCK";

    private static readonly long RereadAfter = System.TimestampFrequency / 2;

    private readonly Lock gate = new();
    private long readAt = long.MinValue / 2;
    private TimeSpan offset;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset();

    private TimeSpan Offset()
    {
        lock (gate)
        {
            var now = System.GetTimestamp();
            if (now - readAt >= RereadAfter)
            {
                offset = Read(file);
                readAt = now;
            }

            return offset;
        }
    }

    private static TimeSpan Read(string file)
    {
        try
        {
            return XmlConvert.ToTimeSpan(File.ReadAllText(file).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return TimeSpan.Zero;
        }
    }
}
