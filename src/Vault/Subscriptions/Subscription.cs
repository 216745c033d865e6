using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.VaultService.Subscriptions;

/// <summary>A tenant. It owns vaults and guards how many.</summary>
public sealed record Subscription(Guid Id, string Name, DateTimeOffset CreatedAt, IReadOnlyList<OwnedVault> Vaults)
    : IEventSourced<Subscription>
{
    public static Subscription Fold(Subscription? state, object fact) => fact switch
    {
        SubscriptionCreated e => new(e.SubscriptionId, e.Name, e.At, []),
        VaultAdded e => state! with { Vaults = [.. state.Vaults, new OwnedVault(e.VaultId, e.Name)] },
        VaultReleased e => state! with { Vaults = [.. state.Vaults.Where(vault => vault.Id != e.VaultId)] },
        _ => state!,
    };

    /// <summary>Whether one more vault of this name may be made.</summary>
    /// <param name="limit">The most vaults of a subscription.</param>
    public static Decision AddVault(Subscription? state, Guid vaultId, string name, int limit, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("subscription"),
        _ when state.Vaults.Any(vault => vault.Id == vaultId) => Decision.Nothing,
        _ when state.Vaults.Any(vault => vault.Name == name) => new Refusal(
            ProblemCodes.Conflict, $"The subscription already has a vault named '{name}'; choose another name."),
        _ when state.Vaults.Count >= limit => new Refusal(
            ProblemCodes.VaultLimit, $"The subscription has {state.Vaults.Count} vaults, the most it may have; ask the platform's operator for more."),
        _ => Decision.Append(new VaultAdded(state.Id, vaultId, name, now)),
    };

    /// <summary>A deleted vault leaves its place and its name to others.</summary>
    public static Decision ReleaseVault(Subscription? state, Guid vaultId, DateTimeOffset now) =>
        state is not null && state.Vaults.Any(vault => vault.Id == vaultId)
            ? Decision.Append(new VaultReleased(state.Id, vaultId, now))
            : Decision.Nothing;
}

/// <summary>A vault as its subscription knows it.</summary>
public sealed record OwnedVault(Guid Id, string Name);

public sealed record SubscriptionCreated(Guid SubscriptionId, string Name, DateTimeOffset At);

public sealed record VaultAdded(Guid SubscriptionId, Guid VaultId, string Name, DateTimeOffset At);

public sealed record VaultReleased(Guid SubscriptionId, Guid VaultId, DateTimeOffset At);

internal static class SubscriptionStore
{
    public static void AddSubscriptions(this StoreOptions store)
    {
        store.AddState<Subscription>();
        store.Events.MapEventType<SubscriptionCreated>("subscription_created");
        store.Events.MapEventType<VaultAdded>("vault_added");
        store.Events.MapEventType<VaultReleased>("vault_released");
    }
}
