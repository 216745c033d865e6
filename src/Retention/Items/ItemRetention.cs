using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Policies;
using Marten;

namespace BackupPlatform.RetentionService.Items;

/// <summary>The recovery points of an item that have not expired, and what they carry. The stream has the item's own id.</summary>
/// <param name="Points">In the order of their sequence numbers; as many as the limit of recovery points of an item at most.</param>
/// <param name="HighestSequence">The highest number that was heard of, expired or not.</param>
/// <param name="Missing">Numbers below it that were not heard of yet.</param>
public sealed record ItemRetention(
    Guid Id,
    Guid VaultId,
    Guid MachineId,
    string Item,
    IReadOnlyList<KeptPoint> Points,
    long HighestSequence,
    IReadOnlyList<SequenceGap> Missing) : IEventSourced<ItemRetention>
{
    /// <summary>When the next point is due to expire; null where only one is left, or none. The sweep looks for it.</summary>
    public DateTimeOffset? NextExpiry => Expirable.Min(point => (DateTimeOffset?)point.ExpiresAt);

    /// <summary>All but the newest: that one never expires by itself.</summary>
    private IEnumerable<KeptPoint> Expirable => Points.SkipLast(1);

    public static ItemRetention Fold(ItemRetention? state, object fact) => fact switch
    {
        PointNoted e => Note(state ?? new(e.ItemId, e.VaultId, e.MachineId, e.Item, [], 0, []), e),
        PointTagged e => state! with
        {
            Points = [.. state.Points.Select(point =>
                point.Id == e.RecoveryPointId ? point with { Tags = e.Tags, ExpiresAt = e.ExpiresAt } : point)],
        },
        PointExpired e => Expire(state!, e),
        _ => state!,
    };

    /// <summary>Takes in a point that was sealed: once, in whatever order the news arrive.</summary>
    public static Decision Note(ItemRetention? state, PointNoted sealedPoint, RetentionPolicy policy)
    {
        if (state?.Knows(sealedPoint.Sequence) == true)
        {
            return Decision.Nothing;
        }

        var noted = Fold(state, sealedPoint);
        var kept = noted.Points.ToDictionary(point => point.Id);
        var changed = TagSchedule.Of(policy, noted.Points.Select(point => point.ToTaggable()))
            .Where(tagging => !kept[tagging.RecoveryPointId].Carries(tagging))
            .Select(tagging => new PointTagged(
                noted.Id, noted.VaultId, noted.MachineId, noted.Item, tagging.RecoveryPointId, tagging.Tags, tagging.ExpiresAt, sealedPoint.At));
        return Decision.Append([sealedPoint, .. changed]);
    }

    /// <summary>Ends the retention of what is due.</summary>
    public static Decision ExpireDue(ItemRetention? state, DateTimeOffset now) => state is null
        ? Decision.Nothing
        : Decision.Append([.. state.Expirable
            .Where(point => point.ExpiresAt <= now)
            .Select(point => new PointExpired(state.Id, state.VaultId, state.MachineId, state.Item, point.Id, now))]);

    /// <summary>Whether a point of this number was heard of, though it may have expired since.</summary>
    private bool Knows(long sequence) => sequence <= HighestSequence && !Missing.Any(gap => gap.Contains(sequence));

    private static ItemRetention Note(ItemRetention state, PointNoted e)
    {
        var point = new KeptPoint(
            e.RecoveryPointId, e.Sequence, TimeZones.DayOf(e.SealedAt, e.TimeZone), e.TimeZone, FollowsDay: null, Tags: [], ExpiresAt: null);
        return state with
        {
            Points = [.. state.Points.Append(point).OrderBy(kept => kept.Sequence)],
            HighestSequence = Math.Max(state.HighestSequence, e.Sequence),
            Missing = e.Sequence > state.HighestSequence
                ? [.. state.Missing, .. SequenceGap.Between(state.HighestSequence, e.Sequence)]
                : [.. state.Missing.SelectMany(gap => gap.Without(e.Sequence))],
        };
    }

    /// <remarks>The next point remembers the day of the one that goes: which days had a point does not change by expiry.</remarks>
    private static ItemRetention Expire(ItemRetention state, PointExpired e)
    {
        if (state.Points.FirstOrDefault(point => point.Id == e.RecoveryPointId) is not { } gone)
        {
            return state;
        }

        var rest = state.Points.Where(point => point.Id != gone.Id).ToArray();
        var next = rest.Where(gone.IsBefore).OrderBy(point => point.Day).ThenBy(point => point.Sequence).FirstOrDefault();
        return state with { Points = [.. rest.Select(point => point == next ? point with { FollowsDay = gone.Day } : point)] };
    }
}

/// <summary>A recovery point that has not expired.</summary>
/// <param name="Day">The day it was sealed on, in its time zone.</param>
/// <param name="FollowsDay">See <see cref="TaggablePoint"/>.</param>
/// <param name="ExpiresAt">Null only while the point is being taken in.</param>
public sealed record KeptPoint(
    Guid Id, long Sequence, DateOnly Day, string TimeZone, DateOnly? FollowsDay, IReadOnlyList<string> Tags, DateTimeOffset? ExpiresAt)
{
    public TaggablePoint ToTaggable() => new(Id, Sequence, Day, TimeZone, FollowsDay);

    public bool Carries(Tagging tagging) => ExpiresAt == tagging.ExpiresAt && Tags.SequenceEqual(tagging.Tags);

    /// <summary>Whether this point is the earlier one in the order of tagging.</summary>
    public bool IsBefore(KeptPoint other) => (Day, Sequence).CompareTo((other.Day, other.Sequence)) < 0;
}

/// <summary>Sequence numbers that were skipped: their points were sealed, and the news of them are still under way.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one.</param>
public sealed record SequenceGap(long First, long Last)
{
    public bool Contains(long sequence) => sequence >= First && sequence <= Last;

    /// <summary>What lies between two numbers: one gap or none.</summary>
    public static IEnumerable<SequenceGap> Between(long low, long high) => high - low > 1 ? [new(low + 1, high - 1)] : [];

    /// <summary>What remains missing.</summary>
    public IEnumerable<SequenceGap> Without(long sequence) => Contains(sequence)
        ? [.. Between(First - 1, sequence), .. Between(sequence, Last + 1)]
        : [this];
}

/// <param name="SealedAt">When it was sealed, by the clock of the service that sealed it.</param>
/// <param name="At">When this service took it in.</param>
public sealed record PointNoted(
    Guid ItemId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    long Sequence,
    DateTimeOffset SealedAt,
    string TimeZone,
    DateTimeOffset At);

/// <summary>Tags or expiry of a point are these from now on.</summary>
public sealed record PointTagged(
    Guid ItemId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    IReadOnlyList<string> Tags,
    DateTimeOffset ExpiresAt,
    DateTimeOffset At);

public sealed record PointExpired(Guid ItemId, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset At);

internal static class ItemRetentionStore
{
    public static void AddItemRetention(this StoreOptions store)
    {
        store.AddState<ItemRetention>();
        store.Schema.For<ItemRetention>().Duplicate(item => item.NextExpiry);
        store.Events.MapEventType<PointNoted>("point_noted");
        store.Events.MapEventType<PointTagged>("point_tagged");
        store.Events.MapEventType<PointExpired>("point_expired");
    }
}
