using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Items;
using BackupPlatform.Platform.Bus;
using JasperFx.Events;

namespace BackupPlatform.IngestService.Backups;

/// <summary>What others hear of backups and the recovery points they become.</summary>
internal sealed class BackupContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        BackupJobOpened e => new BackupStarted(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.Item),
        BackupJobFailed e => new BackupFailed(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.Item, e.Reason),
        BackupJobCancelled e => new BackupFailed(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.Item, e.Reason),
        RecoveryPointSealed e => new RecoveryPointCreated(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId,
            e.Sequence, e.TimeZone, e.StoredBytes),
        _ => null,
    };
}
