using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.IngestService.Items;

/// <summary>An item of a machine: guards one open job, the day's backups and the number of recovery points.</summary>
/// <param name="NewestSequence">0 before the first recovery point.</param>
/// <param name="LivePoints">Recovery points that have neither expired nor been deleted; as many as the limit allows.</param>
/// <param name="RecentSeals">When recovery points were sealed, as far as it can still be the newest one's day in some zone.</param>
public sealed record MachineItem(
    Guid Id,
    Guid? OpenJobId,
    long NewestSequence,
    Guid? NewestPointId,
    IReadOnlyList<Guid> LivePoints,
    IReadOnlyList<DateTimeOffset> RecentSeals) : IEventSourced<MachineItem>
{
    /// <summary>Longer than any local day, also one that the clocks are turned back on.</summary>
    private static readonly TimeSpan LongestDay = TimeSpan.FromHours(26);

    public static MachineItem Fold(MachineItem? state, object fact) => fact switch
    {
        ItemBackupBegun e => (state ?? new(e.ItemId, null, 0, null, [], [])) with { OpenJobId = e.JobId },
        ItemBackupEnded => state! with { OpenJobId = null },
        RecoveryPointSealed e => state! with
        {
            OpenJobId = null,
            NewestSequence = e.Sequence,
            NewestPointId = e.RecoveryPointId,
            LivePoints = [.. state.LivePoints, e.RecoveryPointId],
            RecentSeals = [.. state.RecentSeals.Where(at => (e.At - at).Duration() < LongestDay), e.At],
        },
        ItemPointExpired e => Without(state!, e.RecoveryPointId),
        ItemPointDeleted e => Without(state!, e.RecoveryPointId) with { RecentSeals = [.. state!.RecentSeals.Where(at => at != e.SealedAt)] },
        ItemPointUndeleted e => state! with
        {
            LivePoints = [.. state.LivePoints, e.RecoveryPointId],
            RecentSeals = [.. state.RecentSeals, e.SealedAt],
        },
        _ => state!,
    };

    /// <summary>Whether a backup may begin now. It takes the place of one that is still open.</summary>
    /// <param name="zone">The machine's: its days count.</param>
    /// <param name="overdue">How many of the live points are due to expire, and only the news of it are still under way.</param>
    public static Decision Begin(
        MachineItem? state, Guid itemId, Guid jobId, TimeZoneInfo zone, Limits limits, int overdue, DateTimeOffset now)
    {
        var today = DayOf(now, zone);
        var sealedToday = state?.RecentSeals.Count(at => DayOf(at, zone) == today) ?? 0;
        return sealedToday >= limits.BackupsPerDay
            ? new Refusal(
                ProblemCodes.DailyBackupLimit,
                $"This item has {sealedToday} backups of {today:yyyy-MM-dd} ({zone.Id}), the most a day may have; the next is possible tomorrow.")
            : state?.LivePoints.Count - overdue >= limits.RecoveryPointsPerItem
            ? new Refusal(
                ProblemCodes.RecoveryPointLimit,
                $"This item has {state!.LivePoints.Count} recovery points, the most it may have; the next is possible when one has expired or an operator has deleted one.")
            : Decision.Append(new ItemBackupBegun(itemId, jobId, now));
    }

    /// <summary>The job ends without a recovery point.</summary>
    public static Decision End(MachineItem? state, Guid jobId, DateTimeOffset now) =>
        state?.OpenJobId == jobId ? Decision.Append(new ItemBackupEnded(state.Id, jobId, now)) : Decision.Nothing;

    /// <summary>Whether the job may become this recovery point: it is the open one, and its base is still the newest point.</summary>
    public static Decision Seal(MachineItem? state, RecoveryPointSealed point) => state switch
    {
        null => Refusal.NotFound("item"),
        _ when state.OpenJobId != point.JobId => new Refusal(
            ProblemCodes.Conflict, "The backup job is no longer open; open a new one: what has been stored is not sent again."),
        _ when point.BaseSequence != state.NewestSequence || point.Sequence != state.NewestSequence + 1 => new Refusal(
            ProblemCodes.Conflict,
            $"The item's newest recovery point is number {state.NewestSequence}, the seal builds on {point.BaseSequence}; open a new backup job."),
        _ => Decision.Append(point),
    };

    /// <summary>What retention says of a recovery point: it counts, or it does not. Nothing changes where that is known.</summary>
    public static Decision Settle(MachineItem? state, Guid pointId, DateTimeOffset sealedAt, PointStanding standing, DateTimeOffset now)
    {
        var counts = state?.LivePoints.Contains(pointId) == true;
        return (state, counts, standing) switch
        {
            (null, _, _) => Decision.Nothing,
            (_, true, PointStanding.Ended) => Decision.Append(new ItemPointExpired(state.Id, pointId, now)),
            (_, true, PointStanding.Deleted) => Decision.Append(new ItemPointDeleted(state.Id, pointId, sealedAt, now)),
            (_, false, PointStanding.Live) => Decision.Append(new ItemPointUndeleted(state.Id, pointId, sealedAt, now)),
            _ => Decision.Nothing,
        };
    }

    private static MachineItem Without(MachineItem state, Guid pointId) =>
        state with { LivePoints = [.. state.LivePoints.Where(id => id != pointId)] };

    private static DateOnly DayOf(DateTimeOffset at, TimeZoneInfo zone) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);
}

public sealed record ItemBackupBegun(Guid ItemId, Guid JobId, DateTimeOffset At);

public sealed record ItemBackupEnded(Guid ItemId, Guid JobId, DateTimeOffset At);

/// <summary>A recovery point has come to be. It is complete: everything it refers to is durable and indexed.</summary>
/// <param name="BaseSequence">0: a first backup.</param>
/// <param name="TimeZone">IANA name of the machine's zone.</param>
/// <param name="StoredBytes">What the point added to the vault, in bytes.</param>
/// <param name="UploadedBytes">What its job sent, in bytes.</param>
public sealed record RecoveryPointSealed(
    Guid ItemId,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid JobId,
    Guid RecoveryPointId,
    long Sequence,
    long BaseSequence,
    string TimeZone,
    long StoredBytes,
    long UploadedBytes,
    DateTimeOffset At);

/// <summary>It has expired or was deleted for good.</summary>
public sealed record ItemPointExpired(Guid ItemId, Guid RecoveryPointId, DateTimeOffset At);

/// <summary>An operator deleted it; it counts for no limit, but can be undeleted.</summary>
public sealed record ItemPointDeleted(Guid ItemId, Guid RecoveryPointId, DateTimeOffset SealedAt, DateTimeOffset At);

public sealed record ItemPointUndeleted(Guid ItemId, Guid RecoveryPointId, DateTimeOffset SealedAt, DateTimeOffset At);

/// <summary>Whether a recovery point counts.</summary>
public enum PointStanding
{
    Live,

    /// <summary>Can be undeleted.</summary>
    Deleted,

    /// <summary>Expired or purged.</summary>
    Ended,
}

internal static class ItemStore
{
    public static void AddItems(this StoreOptions store)
    {
        store.AddState<MachineItems>();
        store.AddState<MachineItem>();
        store.Events.MapEventType<ItemAdded>("item_added");
        store.Events.MapEventType<ItemBackupBegun>("item_backup_begun");
        store.Events.MapEventType<ItemBackupEnded>("item_backup_ended");
        store.Events.MapEventType<RecoveryPointSealed>("recovery_point_sealed");
        store.Events.MapEventType<ItemPointExpired>("item_point_expired");
        store.Events.MapEventType<ItemPointDeleted>("item_point_deleted");
        store.Events.MapEventType<ItemPointUndeleted>("item_point_undeleted");
    }
}
