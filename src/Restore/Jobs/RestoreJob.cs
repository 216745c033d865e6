using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>A restore from its request to its end.</summary>
/// <param name="LastRequestAt">When the machine last asked for it, to the minute.</param>
/// <param name="SelectionHash">See <see cref="SelectionStored"/>; null before.</param>
/// <param name="PlanBlob">Name of the blob with the plan; null before there is one.</param>
/// <param name="Cleared">The job has ended and its blobs are removed.</param>
public sealed record RestoreJob(
    Guid Id,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    Guid RecoveryPointId,
    RestoreJobState State,
    DateTimeOffset RequestedAt,
    DateTimeOffset LastRequestAt,
    DateTimeOffset? EndedAt = null,
    string? SelectionHash = null,
    string? PlanBlob = null,
    long? Chunks = null,
    long? Bytes = null,
    string? Code = null,
    string? Reason = null,
    bool Cleared = false) : IEventSourced<RestoreJob>
{
    /// <summary>A job that nobody asks for expires after so long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(24);

    private static readonly TimeSpan TouchAfter = TimeSpan.FromMinutes(1);

    /// <summary>When the sweep has something to do here: expire the job, or remove the blobs of an ended one. Null: never again.</summary>
    public DateTimeOffset? SweepAt => IsOpen ? LastRequestAt + Patience : Cleared ? null : EndedAt;

    private bool IsOpen => State is RestoreJobState.Requested or RestoreJobState.Planning or RestoreJobState.Ready or RestoreJobState.Streaming;

    public static RestoreJob Fold(RestoreJob? state, object fact) => fact switch
    {
        JobRequested e => new(
            e.JobId, e.SubscriptionId, e.VaultId, e.MachineId, e.RecoveryPointId, RestoreJobState.Requested, e.At, LastRequestAt: e.At),
        SelectionStored e => state! with { State = RestoreJobState.Planning, SelectionHash = e.SelectionHash, LastRequestAt = e.At },
        WholePointSelected e => state! with { State = RestoreJobState.Planning, LastRequestAt = e.At },
        JobReady e => state! with { State = RestoreJobState.Ready, PlanBlob = e.PlanBlob, Chunks = e.Chunks, Bytes = e.Bytes },
        StreamOpened e => state! with { State = RestoreJobState.Streaming, LastRequestAt = e.At },
        RequestSeen e => state! with { LastRequestAt = e.At },
        JobCompleted e => state! with { State = RestoreJobState.Completed, EndedAt = e.At },
        JobFailed e => state! with { State = RestoreJobState.Failed, EndedAt = e.At, Code = e.Code, Reason = e.Reason },
        JobCancelled e => state! with { State = RestoreJobState.Cancelled, EndedAt = e.At, Reason = e.Reason },
        JobExpired e => state! with { State = RestoreJobState.Expired, EndedAt = e.At, Reason = e.Reason },
        BlobsRemoved => state! with { Cleared = true },
        LatePlanNoted e => state! with { PlanBlob = e.PlanBlob, Cleared = false },
        _ => state!,
    };

    /// <summary>The selection is stored: planning can begin. The same one again changes nothing.</summary>
    public static Decision AcceptSelection(
        RestoreJob? state, string blob, string hash, long chunks, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("restore job"),
        { IsOpen: false } => state.Ended,
        { State: RestoreJobState.Requested } => Decision.Append(new SelectionStored(
            state.Id, state.SubscriptionId, state.VaultId, state.MachineId, state.RecoveryPointId, blob, hash, chunks, now)),
        _ when state.SelectionHash == hash => Decision.Nothing,
        _ => new Refusal(ProblemCodes.Conflict, "The restore job has another selection already; request a new restore job."),
    };

    /// <summary>Ingest has planned it. A plan that comes twice, or for a job that has ended, opens nothing.</summary>
    public static Decision AcceptPlan(RestoreJob? state, string planBlob, long chunks, long bytes, DateTimeOffset now) => state switch
    {
        { State: RestoreJobState.Planning } => Decision.Append(new JobReady(state.Id, planBlob, chunks, bytes, now)),
        { Cleared: true, PlanBlob: null } => Decision.Append(new LatePlanNoted(state.Id, planBlob, now)),
        _ => Decision.Nothing,
    };

    /// <summary>Ingest cannot plan it.</summary>
    public static Decision RefusePlan(RestoreJob? state, string code, string reason, DateTimeOffset now) =>
        state is { State: RestoreJobState.Planning } ? Decision.Append(new JobFailed(state.Id, code, reason, now)) : Decision.Nothing;

    /// <summary>The agent opens the stream, for the first time or after it broke.</summary>
    public static Decision OpenStream(RestoreJob? state, DateTimeOffset now) => state switch
    {
        { State: RestoreJobState.Ready } => Decision.Append(new StreamOpened(state.Id, now)),
        { State: RestoreJobState.Requested or RestoreJobState.Planning } => new Refusal(
            ProblemCodes.Conflict, "The restore job is not ready yet; ask for its state and stream when it is."),
        _ => Touch(state, now),
    };

    /// <summary>The machine asks for the job: it lives on.</summary>
    public static Decision Touch(RestoreJob? state, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("restore job"),
        { IsOpen: false } => state.Ended,
        _ when now - state.LastRequestAt >= TouchAfter => Decision.Append(new RequestSeen(state.Id, now)),
        _ => Decision.Nothing,
    };

    /// <summary>The agent says how it ended.</summary>
    public static Decision Finish(RestoreJob? state, bool succeeded, string? reason, DateTimeOffset now) => (state, succeeded) switch
    {
        (null, _) => Refusal.NotFound("restore job"),
        ({ State: RestoreJobState.Completed }, true) or ({ State: RestoreJobState.Failed }, false) => Decision.Nothing,
        ({ IsOpen: false }, _) => state.Ended,
        ({ State: RestoreJobState.Ready or RestoreJobState.Streaming }, true) => Decision.Append(new JobCompleted(state.Id, now)),
        (_, true) => new Refusal(ProblemCodes.Conflict, "The restore job is not ready yet, so it cannot have succeeded."),
        (_, false) => Decision.Append(new JobFailed(
            state.Id, ProblemCodes.Conflict, string.IsNullOrWhiteSpace(reason) ? "The agent gave up without a reason." : reason, now)),
    };

    /// <summary>Somebody who may, ends it.</summary>
    public static Decision Cancel(RestoreJob? state, string by, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("restore job"),
        { State: RestoreJobState.Cancelled } => Decision.Nothing,
        { IsOpen: false } => state.Ended,
        _ => Decision.Append(new JobCancelled(state.Id, $"Cancelled by {by}.", now)),
    };

    /// <summary>What it needs is damaged.</summary>
    public static Decision Fail(RestoreJob? state, string code, string reason, DateTimeOffset now) =>
        state is { IsOpen: true } ? Decision.Append(new JobFailed(state.Id, code, reason, now)) : Decision.Nothing;

    /// <summary>Ends a job that nobody asked for in a long time.</summary>
    public static Decision ExpireIfDue(RestoreJob? state, DateTimeOffset now) =>
        state is { IsOpen: true } && state.LastRequestAt + Patience <= now
            ? Decision.Append(new JobExpired(state.Id, $"Nobody asked for it for {Patience.TotalHours:0} hours.", now))
            : Decision.Nothing;

    /// <summary>The blobs of an ended job are removed.</summary>
    public static Decision Clear(RestoreJob? state, DateTimeOffset now) =>
        state is { IsOpen: false, Cleared: false } ? Decision.Append(new BlobsRemoved(state.Id, now)) : Decision.Nothing;

    /// <summary>The job as its machine and operators see it.</summary>
    public RestoreJobDocument ToDocument() =>
        new(Id, VaultId, MachineId, RecoveryPointId, State, RequestedAt, EndedAt, Chunks, Bytes, Code, Reason);

    /// <summary>Why nothing more can be done with a job that has ended; one that failed says again why.</summary>
    private Refusal Ended => State switch
    {
        RestoreJobState.Failed => new(Code!, $"The restore job has failed: {Reason} Request a new one."),
        RestoreJobState.Completed => new(ProblemCodes.Conflict, "The restore job is completed; request a new one to restore again."),
        _ => new(ProblemCodes.Conflict, $"The restore job has ended: {Reason} Request a new one."),
    };
}
