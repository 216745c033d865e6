using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.Bus;
using JasperFx.Events;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>What others hear of restore jobs.</summary>
internal sealed class RestoreJobContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        SelectionStored e => new RestoreRequested(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.RecoveryPointId, e.SelectionBlob),
        WholePointSelected e => new RestoreRequested(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.RecoveryPointId, SelectionBlob: null),
        JobReady e => new RestoreReady(committed.StreamId, committed.Version, e.At, e.Chunks, e.Bytes),
        JobCompleted e => new RestoreCompleted(committed.StreamId, committed.Version, e.At),
        JobFailed e => new RestoreFailed(committed.StreamId, committed.Version, e.At, RestoreJobState.Failed, e.Code, e.Reason),
        JobCancelled e => new RestoreFailed(committed.StreamId, committed.Version, e.At, RestoreJobState.Cancelled, null, e.Reason),
        JobExpired e => new RestoreFailed(
            committed.StreamId, committed.Version, e.At, RestoreJobState.Expired, ProblemCodes.Conflict, e.Reason),
        _ => null,
    };
}
