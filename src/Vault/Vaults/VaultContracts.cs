using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.VaultService.Credentials;
using JasperFx.Events;

namespace BackupPlatform.VaultService.Vaults;

/// <summary>What others hear of vaults.</summary>
internal sealed class VaultContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        VaultOpened e => new VaultCreated(committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.Name, e.Redundancy),
        // Those of before purposes name no subscription either; nobody has needed to hear of them.
        CredentialsIssued { SubscriptionId: { } subscription } e => new VaultCredentialsIssued(
            committed.StreamId, committed.Version, e.At, subscription, e.CredentialsId, IssuedFile.PurposesOf(e), e.ExpiresAt),
        CredentialsRevoked e => new VaultCredentialsRevoked(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.CredentialsId),
        VaultClosingBegun e => new VaultClosing(committed.StreamId, committed.Version, e.At, e.SubscriptionId),
        VaultStayed e => new VaultReopened(committed.StreamId, committed.Version, e.At, e.SubscriptionId),
        VaultRemoved e => new VaultDeleted(committed.StreamId, committed.Version, e.At, e.SubscriptionId),
        _ => null,
    };
}
