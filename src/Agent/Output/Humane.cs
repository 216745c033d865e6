using System.Globalization;

namespace BackupPlatform.Agent.Output;

/// <summary>Numbers as people read them.</summary>
internal static class Humane
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Bytes(long count)
    {
        double value = count;
        var unit = 0;
        while (value >= 1024 && unit < s_units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {s_units[unit]}");
    }

    public static string Count(long count, string one, string many) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many)}");

    public static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A span in its greatest unit.</summary>
    public static string Age(TimeSpan age) => age switch
    {
        { TotalDays: >= 1 } => Count((long)age.TotalDays, "day", "days"),
        { TotalHours: >= 1 } => Count((long)age.TotalHours, "hour", "hours"),
        { TotalMinutes: >= 1 } => Count((long)age.TotalMinutes, "minute", "minutes"),
        _ => Count((long)age.TotalSeconds, "second", "seconds"),
    };

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
