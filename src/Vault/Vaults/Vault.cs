using System.Globalization;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.VaultService.Credentials;
using Marten;

namespace BackupPlatform.VaultService.Vaults;

/// <summary>Where machines store recovery points. Open; closing, while ingest is asked whether it holds any; deleted, for good.</summary>
/// <param name="ClosingVersion">Version of the event that asked; null while the vault is not closing.</param>
/// <param name="DeletedAt">Null while the vault is there.</param>
/// <param name="RecoveryPoints">How many the vault held when its deletion was refused last.</param>
public sealed record Vault(
    Guid Id,
    Guid SubscriptionId,
    string Name,
    Redundancy Redundancy,
    DateTimeOffset CreatedAt,
    long? ClosingVersion = null,
    DateTimeOffset? DeletedAt = null,
    long RecoveryPoints = 0) : IEventSourced<Vault>
{
    public static Vault Fold(Vault? state, object fact) => fact switch
    {
        VaultOpened e => new(e.VaultId, e.SubscriptionId, e.Name, e.Redundancy, e.At),
        VaultClosingBegun e => state! with { ClosingVersion = e.Version },
        VaultStayed e => state! with { ClosingVersion = null, RecoveryPoints = e.RecoveryPoints },
        VaultRemoved e => state! with { ClosingVersion = null, DeletedAt = e.At },
        _ => state!,
    };

    /// <summary>Asks whether the vault may go; one that is closing is asked for already.</summary>
    /// <param name="version">The version that the vault's stream has with the next event.</param>
    public static Decision Close(Vault? state, long version, DateTimeOffset now) => state switch
    {
        null or { DeletedAt: not null } => Refusal.NotFound("vault"),
        { ClosingVersion: not null } => Decision.Nothing,
        _ => Decision.Append(new VaultClosingBegun(state.Id, state.SubscriptionId, version, now)),
    };

    /// <summary>Takes ingest's answer. One to another question, or given before, changes nothing.</summary>
    /// <param name="version">Of the event that asked.</param>
    public static Decision Answer(Vault? state, long version, long recoveryPoints, DateTimeOffset now) => state switch
    {
        _ when state?.ClosingVersion != version => Decision.Nothing,
        _ when recoveryPoints > 0 => Decision.Append(new VaultStayed(state.Id, state.SubscriptionId, recoveryPoints, now)),
        _ => Decision.Append(new VaultRemoved(state.Id, state.SubscriptionId, now)),
    };

    /// <summary>Whether credentials may be downloaded.</summary>
    public static Decision Issue(Vault? state, CredentialsIssued credentials) => state switch
    {
        null or { DeletedAt: not null } => Refusal.NotFound("vault"),
        { ClosingVersion: not null } => new Refusal(
            ProblemCodes.Conflict, "The vault is being deleted; try again if it stays."),
        _ => Decision.Append(credentials),
    };

    /// <summary>Why the vault was not deleted.</summary>
    public Refusal Holds() => new(ProblemCodes.Conflict, string.Create(
        CultureInfo.InvariantCulture,
        $"The vault holds {RecoveryPoints} recovery points that can be restored or undeleted; delete them and wait until they are purged."));

    /// <summary>The vault as operators see it.</summary>
    public VaultDocument ToDocument() => new(Id, SubscriptionId, Name, Redundancy, CreatedAt);
}

public sealed record VaultOpened(Guid VaultId, Guid SubscriptionId, string Name, Redundancy Redundancy, DateTimeOffset At);

/// <summary>The vault is to be deleted unless it holds recovery points.</summary>
/// <param name="Version">Of this very event in the vault's stream: the answer names it.</param>
public sealed record VaultClosingBegun(Guid VaultId, Guid SubscriptionId, long Version, DateTimeOffset At);

/// <summary>The vault holds recovery points and is open again.</summary>
public sealed record VaultStayed(Guid VaultId, Guid SubscriptionId, long RecoveryPoints, DateTimeOffset At);

/// <summary>The vault is no more.</summary>
public sealed record VaultRemoved(Guid VaultId, Guid SubscriptionId, DateTimeOffset At);

internal static class VaultStore
{
    public static void AddVaults(this StoreOptions store)
    {
        store.AddState<Vault>();
        store.Events.MapEventType<VaultOpened>("vault_opened");
        store.Events.MapEventType<VaultClosingBegun>("vault_closing_begun");
        store.Events.MapEventType<VaultStayed>("vault_stayed");
        store.Events.MapEventType<VaultRemoved>("vault_removed");
    }
}
