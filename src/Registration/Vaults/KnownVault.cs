using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using MassTransit;

namespace BackupPlatform.RegistrationService.Vaults;

/// <summary>What a vault takes, as far as this service has heard.</summary>
public enum KnownVaultState
{
    Open,

    /// <summary>To be deleted: takes nothing until that is decided.</summary>
    Closing,

    /// <summary>A tombstone.</summary>
    Deleted,
}

/// <summary>What this service knows of a vault.</summary>
/// <param name="Version">Of the newest fact that set the state.</param>
/// <param name="Name">Null while its creation has not been heard of.</param>
public sealed record KnownVault(
    Guid Id, long Version, Guid SubscriptionId, string? Name, KnownVaultState State = KnownVaultState.Open) : IReadModel
{
    /// <summary>Applies what the vault service tells; the creation's facts never change and come in at any time.</summary>
    public static KnownVault Apply(KnownVault? known, VaultCreated fact) => known is null
        ? new(fact.StreamId, fact.Version, fact.SubscriptionId, fact.Name)
        : known with { SubscriptionId = fact.SubscriptionId, Name = known.Name ?? fact.Name };

    /// <summary>The vault's state has changed, unless that is old news or the vault is deleted.</summary>
    public static KnownVault Apply(KnownVault? known, IContract fact, Guid subscriptionId, KnownVaultState state) => known switch
    {
        null => new(fact.StreamId, fact.Version, subscriptionId, Name: null, state),
        { State: KnownVaultState.Deleted } => known,
        _ when known.Version >= fact.Version => known,
        _ => known with { Version = fact.Version, State = state },
    };
}

/// <summary>Hears of new vaults.</summary>
public sealed class VaultCreatedConsumer(IDocumentStore store) : IConsumer<VaultCreated>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<VaultCreated> context) => store.ChangeAsync<KnownVault>(
        context.Message.StreamId, known => KnownVault.Apply(known, context.Message), context.CancellationToken);
}

/// <summary>Hears of vaults that are to be deleted, and of those that stay after all.</summary>
public sealed class VaultClosingConsumer(IDocumentStore store) : IConsumer<VaultClosing>, IConsumer<VaultReopened>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<VaultClosing> context) => ApplyAsync(
        context, context.Message.SubscriptionId, KnownVaultState.Closing);

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<VaultReopened> context) => ApplyAsync(
        context, context.Message.SubscriptionId, KnownVaultState.Open);

    private Task ApplyAsync<T>(ConsumeContext<T> context, Guid subscriptionId, KnownVaultState state) where T : class, IContract =>
        store.ChangeAsync<KnownVault>(
            context.Message.StreamId,
            known => KnownVault.Apply(known, context.Message, subscriptionId, state),
            context.CancellationToken);
}

internal static class KnownVaults
{
    /// <summary>Waits a few seconds for a vault that may just have been created.</summary>
    /// <returns>Null where none has been heard of by then.</returns>
    public static async Task<KnownVault?> AwaitVaultAsync(
        this IDocumentStore store, Guid vaultId, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<KnownVault>(vaultId, cancellationToken) is { } vault
                && (vault.Name is not null || vault.State == KnownVaultState.Deleted) ? vault : null,
            clock,
            cancellationToken);
    }

    /// <summary>
    /// As above, of vaults that this caller operates: another tenant's is waited for like one that does not exist, so that not even
    /// the time tells them apart. A deleted one is none.
    /// </summary>
    public static async Task<KnownVault?> AwaitOperatedVaultAsync(
        this IDocumentStore store, Guid vaultId, Caller caller, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<KnownVault>(vaultId, cancellationToken) is { State: not KnownVaultState.Deleted } vault
                && caller.Operates(vault.SubscriptionId)
                ? vault
                : null,
            clock,
            cancellationToken);
    }
}
