using NodaTime;

namespace BackupPlatform.RetentionService.Policies;

/// <summary>Instants to days of a zone and back.</summary>
internal static class TimeZones
{
    /// <summary>The day of an instant in a zone.</summary>
    /// <param name="timeZone">IANA name; one that is not known counts as UTC, so that no recovery point is left without retention.</param>
    public static DateOnly DayOf(DateTimeOffset instant, string timeZone) =>
        Instant.FromDateTimeOffset(instant).InZone(Zone(timeZone)).Date.ToDateOnly();

    /// <summary>When a day of a zone ends: the first instant of the next, however many hours that is away.</summary>
    public static DateTimeOffset EndOf(DateOnly day, string timeZone) =>
        LocalDate.FromDateOnly(day.AddDays(1)).AtStartOfDayInZone(Zone(timeZone)).ToInstant().ToDateTimeOffset();

    private static DateTimeZone Zone(string timeZone) => DateTimeZoneProviders.Tzdb.GetZoneOrNull(timeZone) ?? DateTimeZone.Utc;
}
