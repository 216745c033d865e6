using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using MassTransit;

namespace BackupPlatform.RegistrationService.Vaults;

/// <summary>What this service knows of a vault.</summary>
public sealed record KnownVault(Guid Id, long Version, Guid SubscriptionId, string Name) : IReadModel
{
    /// <summary>Applies what the vault service tells.</summary>
    public static KnownVault Apply(KnownVault? known, VaultCreated fact) =>
        new(fact.StreamId, fact.Version, fact.SubscriptionId, fact.Name);
}

/// <summary>Hears of new vaults.</summary>
public sealed class VaultCreatedConsumer(IDocumentStore store) : IConsumer<VaultCreated>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<VaultCreated> context) =>
        store.ApplyAsync<KnownVault, VaultCreated>(context.Message, KnownVault.Apply, context.CancellationToken);
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
            () => session.LoadAsync<KnownVault>(vaultId, cancellationToken), clock, cancellationToken);
    }

    /// <summary>
    /// As above, of vaults that this caller operates: another tenant's is waited for like one that does not exist, so that not even
    /// the time tells them apart.
    /// </summary>
    public static async Task<KnownVault?> AwaitOperatedVaultAsync(
        this IDocumentStore store, Guid vaultId, Caller caller, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<KnownVault>(vaultId, cancellationToken) is { } vault && caller.Operates(vault.SubscriptionId)
                ? vault
                : null,
            clock,
            cancellationToken);
    }
}
