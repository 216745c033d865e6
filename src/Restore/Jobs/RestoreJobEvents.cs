using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>A machine asked for a restore; which chunks, comes with its selection.</summary>
public sealed record JobRequested(
    Guid JobId, Guid SubscriptionId, Guid VaultId, Guid MachineId, Guid RecoveryPointId, DateTimeOffset At);

/// <summary>The selection of chunks is durable.</summary>
/// <param name="SelectionHash">SHA-256 of the selection in hexadecimal: tells whether one that comes again is the same.</param>
/// <param name="SelectedChunks">How many ids it has.</param>
public sealed record SelectionStored(
    Guid JobId,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    Guid RecoveryPointId,
    string SelectionBlob,
    string SelectionHash,
    long SelectedChunks,
    DateTimeOffset At);

/// <summary>All chunks of the recovery point are wanted.</summary>
public sealed record WholePointSelected(
    Guid JobId, Guid SubscriptionId, Guid VaultId, Guid MachineId, Guid RecoveryPointId, DateTimeOffset At)
{
    public static WholePointSelected For(JobRequested e) => new(e.JobId, e.SubscriptionId, e.VaultId, e.MachineId, e.RecoveryPointId, e.At);
}

/// <summary>The chunks are found, leased and planned.</summary>
public sealed record JobReady(Guid JobId, string PlanBlob, long Chunks, long Bytes, DateTimeOffset At);

/// <summary>The agent opened the stream for the first time.</summary>
public sealed record StreamOpened(Guid JobId, DateTimeOffset At);

/// <summary>The machine still wants it; noted at most every minute.</summary>
public sealed record RequestSeen(Guid JobId, DateTimeOffset At);

public sealed record JobCompleted(Guid JobId, DateTimeOffset At);

/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
public sealed record JobFailed(Guid JobId, string Code, string Reason, DateTimeOffset At);

public sealed record JobCancelled(Guid JobId, string Reason, DateTimeOffset At);

/// <summary>Nobody asked for the job for as long as a job waits.</summary>
public sealed record JobExpired(Guid JobId, string Reason, DateTimeOffset At);

/// <summary>Selection and plan of an ended job are gone.</summary>
public sealed record BlobsRemoved(Guid JobId, DateTimeOffset At);

/// <summary>A plan came for a job that had ended and been cleared; it is to be removed too.</summary>
public sealed record LatePlanNoted(Guid JobId, string PlanBlob, DateTimeOffset At);

internal static class RestoreJobStore
{
    public static void AddRestoreJobs(this StoreOptions store)
    {
        store.AddState<RestoreJob>();
        store.Schema.For<RestoreJob>().Duplicate(job => job.SweepAt).Index(job => job.MachineId).Index(job => job.VaultId);
        store.Events.MapEventType<JobRequested>("restore_requested");
        store.Events.MapEventType<SelectionStored>("restore_selection_stored");
        store.Events.MapEventType<WholePointSelected>("restore_whole_point_selected");
        store.Events.MapEventType<JobReady>("restore_ready");
        store.Events.MapEventType<StreamOpened>("restore_stream_opened");
        store.Events.MapEventType<RequestSeen>("restore_request_seen");
        store.Events.MapEventType<JobCompleted>("restore_completed");
        store.Events.MapEventType<JobFailed>("restore_failed");
        store.Events.MapEventType<JobCancelled>("restore_cancelled");
        store.Events.MapEventType<JobExpired>("restore_expired");
        store.Events.MapEventType<BlobsRemoved>("restore_blobs_removed");
        store.Events.MapEventType<LatePlanNoted>("restore_late_plan_noted");
    }
}
