using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Platform.EventStore;
using Marten;
using MassTransit;

namespace BackupPlatform.RestoreService.Tenants;

/// <summary>Something whose restore jobs the operators of a subscription may list.</summary>
public interface IOperated : IReadModel
{
    /// <summary>The tenant.</summary>
    Guid SubscriptionId { get; }
}

/// <summary>What this service knows of a vault.</summary>
/// <param name="Deleted">A tombstone: it answers like one that does not exist.</param>
public sealed record KnownVault(Guid Id, long Version, Guid SubscriptionId, bool Deleted = false) : IOperated;

/// <summary>What this service knows of a protected machine.</summary>
public sealed record KnownMachine(Guid Id, long Version, Guid SubscriptionId) : IOperated;

/// <summary>Hears of new vaults.</summary>
internal sealed class VaultCreatedConsumer(IDocumentStore store) : IConsumer<VaultCreated>
{
    public Task Consume(ConsumeContext<VaultCreated> context) => store.ApplyAsync<KnownVault, VaultCreated>(
        context.Message, (_, fact) => new(fact.StreamId, fact.Version, fact.SubscriptionId), context.CancellationToken);
}

/// <summary>Hears of vaults that are no more.</summary>
internal sealed class VaultDeletedConsumer(IDocumentStore store) : IConsumer<VaultDeleted>
{
    public Task Consume(ConsumeContext<VaultDeleted> context) => store.ApplyAsync<KnownVault, VaultDeleted>(
        context.Message, (_, fact) => new(fact.StreamId, fact.Version, fact.SubscriptionId, Deleted: true), context.CancellationToken);
}

/// <summary>Hears of new machines.</summary>
internal sealed class MachineRegisteredConsumer(IDocumentStore store) : IConsumer<MachineRegistered>
{
    public Task Consume(ConsumeContext<MachineRegistered> context) => store.ApplyAsync<KnownMachine, MachineRegistered>(
        context.Message, (_, fact) => new(fact.StreamId, fact.Version, fact.SubscriptionId), context.CancellationToken);
}

internal static class KnownTenants
{
    public static void AddTenants(this StoreOptions store)
    {
        store.AddReadModel<KnownVault>();
        store.AddReadModel<KnownMachine>();
    }

    /// <summary>
    /// Waits a few seconds for one that may be new; another tenant's is waited for like one that does not exist, so that not even the
    /// time tells them apart.
    /// </summary>
    /// <returns>Null where none that this caller operates was heard of by then.</returns>
    public static async Task<TOperated?> AwaitOperatedAsync<TOperated>(
        this IDocumentStore store, Guid id, Caller caller, TimeProvider clock, CancellationToken cancellationToken)
        where TOperated : class, IOperated
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<TOperated>(id, cancellationToken) is { } known && caller.Operates(known.SubscriptionId)
                ? known
                : null,
            clock,
            cancellationToken);
    }
}
