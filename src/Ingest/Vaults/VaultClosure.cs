using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using JasperFx.Events;
using Marten;

namespace BackupPlatform.IngestService.Vaults;

/// <summary>Whether a vault that its operators want to delete holds recovery points. The stream's id is the vault's.</summary>
/// <param name="VaultVersion">The newest question that was answered, by the version of the vault's own stream.</param>
/// <param name="Closed">It held none: no backup job opens any more.</param>
public sealed record VaultClosure(Guid Id, long VaultVersion, bool Closed) : IEventSourced<VaultClosure>
{
    public static VaultClosure Fold(VaultClosure? state, object fact) => fact switch
    {
        VaultClosingDecided e => new(e.VaultId, e.VaultVersion, state?.Closed == true || e.RecoveryPoints == 0),
        _ => state!,
    };

    /// <summary>Answers a question once, however often it comes.</summary>
    /// <param name="recoveryPoints">That can be restored or undeleted.</param>
    public static Decision Answer(VaultClosure? state, Guid vaultId, long vaultVersion, long recoveryPoints, DateTimeOffset now) =>
        state?.VaultVersion >= vaultVersion
            ? Decision.Nothing
            : Decision.Append(new VaultClosingDecided(vaultId, vaultVersion, recoveryPoints, now));
}

public sealed record VaultClosingDecided(Guid VaultId, long VaultVersion, long RecoveryPoints, DateTimeOffset At);

internal static class VaultClosureStore
{
    public static void AddVaultClosures(this StoreOptions store)
    {
        store.AddState<VaultClosure>();
        store.Events.MapEventType<VaultClosingDecided>("vault_closing_decided");
    }
}

/// <summary>What the vault service hears of it.</summary>
internal sealed class VaultClosureContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        VaultClosingDecided e => new VaultClosingAnswered(
            committed.StreamId, committed.Version, e.At, e.VaultId, e.VaultVersion, e.RecoveryPoints),
        _ => null,
    };
}
