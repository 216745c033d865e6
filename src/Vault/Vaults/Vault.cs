using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using Marten;

namespace BackupPlatform.VaultService.Vaults;

/// <summary>Where machines store recovery points.</summary>
public sealed record Vault(Guid Id, Guid SubscriptionId, string Name, Redundancy Redundancy, DateTimeOffset CreatedAt) : IEventSourced<Vault>
{
    public static Vault Fold(Vault? state, object fact) => fact switch
    {
        VaultOpened e => new(e.VaultId, e.SubscriptionId, e.Name, e.Redundancy, e.At),
        _ => state!,
    };

    /// <summary>The vault as operators see it.</summary>
    public VaultDocument ToDocument() => new(Id, SubscriptionId, Name, Redundancy, CreatedAt);
}

public sealed record VaultOpened(Guid VaultId, Guid SubscriptionId, string Name, Redundancy Redundancy, DateTimeOffset At);

/// <summary>Credentials were handed to an operator.</summary>
public sealed record CredentialsIssued(Guid VaultId, Guid CredentialsId, DateTimeOffset At, DateTimeOffset ExpiresAt);

internal static class VaultStore
{
    public static void AddVaults(this StoreOptions store)
    {
        store.AddState<Vault>();
        store.Events.MapEventType<VaultOpened>("vault_opened");
        store.Events.MapEventType<CredentialsIssued>("credentials_issued");
    }
}
