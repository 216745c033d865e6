using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using JasperFx.Events;

namespace BackupPlatform.VaultService.Vaults;

/// <summary>What others hear of vaults.</summary>
internal sealed class VaultContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        VaultOpened e => new VaultCreated(committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.Name, e.Redundancy),
        _ => null,
    };
}
