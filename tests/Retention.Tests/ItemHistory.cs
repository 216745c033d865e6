using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Items;
using BackupPlatform.RetentionService.Policies;
using NodaTime;

namespace BackupPlatform.Retention.Tests;

/// <summary>An item whose decisions are taken and folded in memory, in the order in which a test tells of its points.</summary>
/// <param name="policy">Null: 30 days.</param>
internal sealed class ItemHistory(string timeZone = "Europe/Berlin", RetentionPolicy? policy = null)
{
    private readonly Guid itemId = Guid.CreateVersion7();
    private readonly RetentionPolicy policy = policy ?? new RetentionPolicy(new DailyTier(KeepDays: 30));
    private long sequence;

    public ItemRetention? State { get; private set; }

    /// <summary>All events so far.</summary>
    public List<object> Events { get; } = [];

    /// <summary>A point sealed at a local time, such as <c>2026-03-29T10:00</c>; the news of it are not told yet.</summary>
    /// <param name="offset">Hours, where the local time is doubled.</param>
    public PointNoted Sealed(string local, int? offset = null)
    {
        var zone = DateTimeZoneProviders.Tzdb[timeZone];
        var time = NodaTime.Text.LocalDateTimePattern.CreateWithInvariantCulture("uuuu-MM-dd'T'HH:mm").Parse(local).Value;
        var instant = offset is { } hours ? time.WithOffset(Offset.FromHours(hours)).ToInstant() : time.InZoneStrictly(zone).ToInstant();
        return SealedAt(instant.ToDateTimeOffset());
    }

    public PointNoted SealedAt(DateTimeOffset at)
    {
        var number = ++sequence;
        return new(itemId, itemId, itemId, "files", Id(number), number, at, timeZone, at);
    }

    /// <summary>The points in the order in which retention hears of them.</summary>
    public ItemHistory Hears(params PointNoted[] points)
    {
        foreach (var point in points)
        {
            Apply(ItemRetention.Note(State, point, policy));
        }

        return this;
    }

    public ItemHistory ExpireDue(DateTimeOffset now)
    {
        Apply(ItemRetention.EndDue(State, now));
        return this;
    }

    public ItemHistory Delete(long number, string at)
    {
        Apply(ItemRetention.Delete(State, Id(number), policy, Utc(at)));
        return this;
    }

    public ItemHistory Undelete(long number, string at)
    {
        Apply(ItemRetention.Undelete(State, Id(number), policy, Utc(at)));
        return this;
    }

    /// <summary>The code with which an undelete is refused.</summary>
    public string? UndeleteRefused(long number, string at) => ItemRetention.Undelete(State, Id(number), policy, Utc(at)).Refusal?.Code;

    /// <summary>The code with which a deletion is refused.</summary>
    public string? DeleteRefused(long number, string at) => ItemRetention.Delete(State, Id(number), policy, Utc(at)).Refusal?.Code;

    public static DateTimeOffset Utc(string at) => DateTimeOffset.Parse(at + "Z", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The sequence numbers that live.</summary>
    public IEnumerable<long> Live => State!.Points.Select(point => point.Sequence);

    public KeptPoint this[long number] => State!.Points.Single(point => point.Sequence == number);

    /// <summary>The local time at which a point expires.</summary>
    public string Expiry(long number) => Instant.FromDateTimeOffset(this[number].ExpiresAt!.Value)
        .InZone(DateTimeZoneProviders.Tzdb[timeZone]).LocalDateTime.ToString("uuuu-MM-dd'T'HH:mm", null);

    private static Guid Id(long number) => new((int)number, 0, 0, new byte[8]);

    private void Apply(Decision decision)
    {
        Assert.Null(decision.Refusal);
        Events.AddRange(decision.Events);
        State = decision.Events.Aggregate(State, ItemRetention.Fold);
    }
}
