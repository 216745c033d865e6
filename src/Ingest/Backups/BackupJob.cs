using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.IngestService.Backups;

/// <summary>One backup of an item, from its opening until it is sealed or ends otherwise.</summary>
/// <param name="Sequence">The number that its recovery point will have.</param>
/// <param name="BaseSequence">The pinned base point's; 0: none.</param>
/// <param name="TimeZone">IANA name of the machine's zone.</param>
public sealed record BackupJob(
    Guid Id,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    Guid ItemId,
    string Item,
    string TimeZone,
    BackupJobState State,
    long Sequence,
    long BaseSequence,
    Guid? BasePointId,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    Guid? RecoveryPointId,
    string? Reason) : IEventSourced<BackupJob>
{
    public static BackupJob Fold(BackupJob? state, object fact) => fact switch
    {
        BackupJobOpened e => new(
            e.JobId, e.SubscriptionId, e.VaultId, e.MachineId, e.ItemId, e.Item, e.TimeZone, BackupJobState.Open,
            e.Sequence, e.BaseSequence, e.BasePointId, e.At, null, null, null),
        BackupJobSealed e => state! with { State = BackupJobState.Sealed, EndedAt = e.At, RecoveryPointId = e.RecoveryPointId },
        BackupJobFailed e => state! with { State = BackupJobState.Failed, EndedAt = e.At, Reason = e.Reason },
        BackupJobCancelled e => state! with { State = BackupJobState.Cancelled, EndedAt = e.At, Reason = e.Reason },
        _ => state!,
    };

    /// <summary>The job has become a recovery point.</summary>
    public static Decision Seal(BackupJob? state, Guid pointId, DateTimeOffset now) =>
        WhileOpen(state, () => new BackupJobSealed(state!.Id, pointId, now));

    /// <summary>The job has ended by itself, or another has taken its place.</summary>
    /// <param name="reason">For people.</param>
    public static Decision Fail(BackupJob? state, string reason, DateTimeOffset now) =>
        state?.State == BackupJobState.Open
            ? Decision.Append(Failure(state, reason, now))
            : Decision.Nothing;

    /// <summary>Somebody ends the job. What has ended without a recovery point stays as it is.</summary>
    public static Decision Cancel(BackupJob? state, DateTimeOffset now) =>
        state?.State is BackupJobState.Failed or BackupJobState.Cancelled
            ? Decision.Nothing
            : WhileOpen(state, () => new BackupJobCancelled(
                state!.Id, state.SubscriptionId, state.VaultId, state.MachineId, state.Item, "cancelled", now));

    /// <summary>The refusal of chunks for a job that has ended.</summary>
    public static Refusal Ended { get; } = new(
        ProblemCodes.Conflict, "The backup job has ended; open a new one: what has been stored is not sent again.");

    /// <summary>The refusal of what only an open job can become.</summary>
    public static Refusal NotOpen(BackupJobState state, string? reason) => new(
        ProblemCodes.Conflict,
        $"The backup job is {state}{(reason is null ? "" : $" ({reason})")}; open a new one: what has been stored is not sent again.");

    /// <param name="stored">Bytes of the job's packs.</param>
    /// <param name="basePoint">For the machine that runs the job; null in lists and for operators.</param>
    public BackupJobDocument ToDocument(long stored, BasePoint? basePoint) => new(
        Id, VaultId, MachineId, Item, State, StartedAt, EndedAt, Sequence, basePoint, stored, RecoveryPointId, Reason);

    private static BackupJobFailed Failure(BackupJob state, string reason, DateTimeOffset now) =>
        new(state.Id, state.SubscriptionId, state.VaultId, state.MachineId, state.Item, reason, now);

    private static Decision WhileOpen(BackupJob? state, Func<object> fact) => state switch
    {
        null => Refusal.NotFound("backup job"),
        { State: BackupJobState.Open } => Decision.Append(fact()),
        _ => NotOpen(state.State, state.Reason),
    };
}

/// <param name="BaseSequence">Pins the base point; 0: a first backup.</param>
public sealed record BackupJobOpened(
    Guid JobId,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    Guid ItemId,
    string Item,
    string TimeZone,
    long Sequence,
    long BaseSequence,
    Guid? BasePointId,
    DateTimeOffset At);

public sealed record BackupJobSealed(Guid JobId, Guid RecoveryPointId, DateTimeOffset At);

public sealed record BackupJobFailed(
    Guid JobId, Guid SubscriptionId, Guid VaultId, Guid MachineId, string Item, string Reason, DateTimeOffset At);

public sealed record BackupJobCancelled(
    Guid JobId, Guid SubscriptionId, Guid VaultId, Guid MachineId, string Item, string Reason, DateTimeOffset At);

internal static class BackupStore
{
    public static void AddBackups(this StoreOptions store)
    {
        store.AddState<BackupJob>();
        store.Schema.For<BackupJob>().Index(job => job.MachineId).Index(job => job.VaultId);
        store.Events.MapEventType<BackupJobOpened>("backup_job_opened");
        store.Events.MapEventType<BackupJobSealed>("backup_job_sealed");
        store.Events.MapEventType<BackupJobFailed>("backup_job_failed");
        store.Events.MapEventType<BackupJobCancelled>("backup_job_cancelled");
    }
}
