using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Policies;
using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.RetentionService.Items;

/// <summary>The recovery points of an item that have not ended, and what they carry. The stream has the item's own id.</summary>
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
    /// <summary>How long a deleted point can be undeleted.</summary>
    public static readonly TimeSpan UndeleteWithin = TimeSpan.FromDays(14);

    /// <summary>Time to look at an undeleted point and restore it, or to delete it again.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    /// <summary>Points that operators deleted and that can be undeleted, in the order of their deletion.</summary>
    public IReadOnlyList<DeletedPoint> Deleted { get; init; } = [];

    /// <summary>When the next deleted point is due to be purged; null where there is none. The sweep looks for it.</summary>
    public DateTimeOffset? NextPurge => Deleted.Min(point => (DateTimeOffset?)point.PurgeAt);

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
        PointExpired e => Remove(state!, e.RecoveryPointId),
        PointDeleted e => Remove(state!, e.RecoveryPointId) with
        {
            Deleted = [.. state!.Deleted, new DeletedPoint(state.Points.Single(point => point.Id == e.RecoveryPointId), e.PurgeAt)],
        },
        PointUndeleted e => Undelete(state!, e),
        PointPurged e => state! with { Deleted = [.. state.Deleted.Where(deleted => deleted.Point.Id != e.RecoveryPointId)] },
        _ => state!,
    };

    /// <summary>Takes in a point that was sealed: once, in whatever order the news arrive.</summary>
    public static Decision Note(ItemRetention? state, PointNoted sealedPoint, RetentionPolicy policy)
    {
        if (state?.Knows(sealedPoint.Sequence) == true)
        {
            return Decision.Nothing;
        }

        return WithTags(state, sealedPoint, policy, sealedPoint.At);
    }

    /// <summary>An operator deletes a point: it can be undeleted for a while. Also the newest one; the newest that is left then stays.</summary>
    public static Decision Delete(ItemRetention? state, Guid pointId, RetentionPolicy policy, DateTimeOffset now) =>
        state is null ? Gone
        : state.Deleted.Any(deleted => deleted.Point.Id == pointId) ? Decision.Nothing
        : state.Points.Any(point => point.Id == pointId) ? WithTags(
            state,
            new PointDeleted(state.Id, state.VaultId, state.MachineId, state.Item, pointId, now + UndeleteWithin, now),
            policy,
            now)
        : Gone;

    /// <summary>An operator takes the deletion of a point back, in time.</summary>
    public static Decision Undelete(ItemRetention? state, Guid pointId, RetentionPolicy policy, DateTimeOffset now) =>
        state is null ? Gone
        : state.Points.Any(point => point.Id == pointId) ? Decision.Nothing
        : state.Deleted.Any(deleted => deleted.Point.Id == pointId && deleted.PurgeAt > now) ? WithTags(
            state, new PointUndeleted(state.Id, state.VaultId, state.MachineId, state.Item, pointId, now), policy, now)
        : Gone;

    /// <summary>Ends the retention of what is due, and the deletion of what nobody undeleted in time.</summary>
    public static Decision EndDue(ItemRetention? state, DateTimeOffset now) => state is null
        ? Decision.Nothing
        : Decision.Append([
            .. state.Expirable
                .Where(point => point.ExpiresAt <= now)
                .Select(point => new PointExpired(state.Id, state.VaultId, state.MachineId, state.Item, point.Id, now)),
            .. state.Deleted
                .Where(deleted => deleted.PurgeAt <= now)
                .Select(deleted => new PointPurged(state.Id, state.VaultId, state.MachineId, state.Item, deleted.Point.Id, now)),
        ]);

    private static Refusal Gone { get; } = new(
        ProblemCodes.Conflict, "The recovery point has expired or was deleted for good; nothing can be done with it any more.");

    /// <summary>A fact, and the tags that it changes.</summary>
    private static Decision WithTags(ItemRetention? state, object fact, RetentionPolicy policy, DateTimeOffset at)
    {
        var next = Fold(state, fact);
        var kept = next.Points.ToDictionary(point => point.Id);
        var changed = TagSchedule.Of(policy, next.Points.Select(point => point.ToTaggable()))
            .Select(tagging => kept[tagging.RecoveryPointId].AtLeast(tagging))
            .Where(tagging => !kept[tagging.RecoveryPointId].Carries(tagging))
            .Select(tagging => new PointTagged(
                next.Id, next.VaultId, next.MachineId, next.Item, tagging.RecoveryPointId, tagging.Tags, tagging.ExpiresAt, at));
        return Decision.Append([fact, .. changed]);
    }

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

    /// <remarks>The next point remembers the day of the one that goes: which days had a point does not change by its end.</remarks>
    private static ItemRetention Remove(ItemRetention state, Guid pointId)
    {
        if (state.Points.FirstOrDefault(point => point.Id == pointId) is not { } gone)
        {
            return state;
        }

        var rest = state.Points.Where(point => point.Id != gone.Id).ToArray();
        var next = rest.Where(gone.IsBefore).OrderBy(point => point.Day).ThenBy(point => point.Sequence).FirstOrDefault();
        return state with { Points = [.. rest.Select(point => point == next ? point with { FollowsDay = gone.Day } : point)] };
    }

    private static ItemRetention Undelete(ItemRetention state, PointUndeleted e)
    {
        var point = state.Deleted.Single(deleted => deleted.Point.Id == e.RecoveryPointId).Point with { KeptUntil = e.At + Grace };
        return state with
        {
            Points = [.. state.Points.Append(point).OrderBy(kept => kept.Sequence)],
            Deleted = [.. state.Deleted.Where(deleted => deleted.Point.Id != point.Id)],
        };
    }
}

/// <summary>A recovery point that an operator deleted.</summary>
/// <param name="Point">As it was.</param>
/// <param name="PurgeAt">Until when it can be undeleted.</param>
public sealed record DeletedPoint(KeptPoint Point, DateTimeOffset PurgeAt);

/// <summary>A recovery point that has not expired.</summary>
/// <param name="Day">The day it was sealed on, in its time zone.</param>
/// <param name="FollowsDay">See <see cref="TaggablePoint"/>.</param>
/// <param name="ExpiresAt">Null only while the point is being taken in.</param>
public sealed record KeptPoint(
    Guid Id, long Sequence, DateOnly Day, string TimeZone, DateOnly? FollowsDay, IReadOnlyList<string> Tags, DateTimeOffset? ExpiresAt)
{
    /// <summary>An undeleted point does not expire before, though its time may have run out meanwhile; null for all others.</summary>
    public DateTimeOffset? KeptUntil { get; init; }

    public TaggablePoint ToTaggable() => new(Id, Sequence, Day, TimeZone, FollowsDay);

    public bool Carries(Tagging tagging) => ExpiresAt == tagging.ExpiresAt && Tags.SequenceEqual(tagging.Tags);

    /// <summary>What the schedule says, or later.</summary>
    public Tagging AtLeast(Tagging tagging) => KeptUntil > tagging.ExpiresAt ? tagging with { ExpiresAt = KeptUntil.Value } : tagging;

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
