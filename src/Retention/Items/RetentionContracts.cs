using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Platform.Bus;
using JasperFx.Events;

namespace BackupPlatform.RetentionService.Items;

/// <summary>What others hear of retention.</summary>
internal sealed class RetentionContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        PointTagged e => new RecoveryPointTagged(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId, e.Tags, e.ExpiresAt),
        PointExpired e => new RecoveryPointExpired(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId),
        PointDeleted e => new RecoveryPointDeleted(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId, e.PurgeAt),
        PointUndeleted e => new RecoveryPointRestored(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId),
        PointPurged e => new RecoveryPointPurged(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.MachineId, e.Item, e.RecoveryPointId),
        _ => null,
    };
}
