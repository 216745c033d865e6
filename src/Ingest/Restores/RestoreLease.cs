using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using JasperFx.Events;
using Marten;

namespace BackupPlatform.IngestService.Restores;

public enum RestoreLeaseState
{
    Granted,
    Refused,
    Ended,
}

/// <summary>What a restore job may read, and that it stays while the job lives. The stream's id is the restore job's.</summary>
public sealed record RestoreLease(Guid Id, RestoreLeaseState State) : IEventSourced<RestoreLease>
{
    public static RestoreLease Fold(RestoreLease? state, object fact) => fact switch
    {
        RestoreLeaseGranted e => new(e.RestoreJobId, RestoreLeaseState.Granted),
        RestoreLeaseRefused e => new(e.RestoreJobId, RestoreLeaseState.Refused),
        RestoreLeaseEnded e => new(e.RestoreJobId, RestoreLeaseState.Ended),
        _ => state!,
    };

    /// <summary>The first answer to a restore job counts; a job that has ended gets none.</summary>
    /// <param name="answer">That it is granted or refused.</param>
    public static Decision Answer(RestoreLease? state, object answer) =>
        state is null ? Decision.Append(answer) : Decision.Nothing;

    /// <summary>The restore job has ended, perhaps before it was planned.</summary>
    public static Decision End(RestoreLease? state, Guid restoreJobId, DateTimeOffset at) =>
        state?.State == RestoreLeaseState.Ended ? Decision.Nothing : Decision.Append(new RestoreLeaseEnded(restoreJobId, at));
}

/// <summary>The recovery point, and the packs in <c>bulk.lease_packs</c>, are pinned.</summary>
/// <param name="FrameBytes">Bytes of all frames of the plan together.</param>
public sealed record RestoreLeaseGranted(
    Guid RestoreJobId, Guid RecoveryPointId, string PlanBlob, long Chunks, long FrameBytes, DateTimeOffset At);

/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
public sealed record RestoreLeaseRefused(Guid RestoreJobId, string Code, string Reason, DateTimeOffset At);

public sealed record RestoreLeaseEnded(Guid RestoreJobId, DateTimeOffset At);

internal static class RestoreLeaseStore
{
    public static void AddRestoreLeases(this StoreOptions store)
    {
        store.AddState<RestoreLease>();
        store.Events.MapEventType<RestoreLeaseGranted>("restore_lease_granted");
        store.Events.MapEventType<RestoreLeaseRefused>("restore_lease_refused");
        store.Events.MapEventType<RestoreLeaseEnded>("restore_lease_ended");
    }
}

/// <summary>What the restore service hears of its jobs' plans.</summary>
internal sealed class RestoreLeaseContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        RestoreLeaseGranted e => new RestorePlanned(
            committed.StreamId, committed.Version, e.At, e.RestoreJobId, e.PlanBlob, e.Chunks, e.FrameBytes),
        RestoreLeaseRefused e => new RestorePlanRefused(
            committed.StreamId, committed.Version, e.At, e.RestoreJobId, e.Code, e.Reason),
        _ => null,
    };
}
