using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using MassTransit;

namespace BackupPlatform.IngestService.Machines;

/// <summary>What ingest keeps of a machine from registration.</summary>
/// <param name="TimeZone">IANA name.</param>
public sealed record ProtectedMachine(Guid Id, long Version, Guid SubscriptionId, Guid VaultId, string TimeZone) : IReadModel;

/// <summary>What ingest keeps of a vault: whose it is.</summary>
/// <param name="Deleted">A tombstone: it answers like one that does not exist.</param>
public sealed record KnownVault(Guid Id, long Version, Guid SubscriptionId, bool Deleted = false) : IReadModel;

internal sealed class MachineRegisteredConsumer(IDocumentStore store) : IConsumer<MachineRegistered>
{
    public Task Consume(ConsumeContext<MachineRegistered> context) => store.ApplyAsync<ProtectedMachine, MachineRegistered>(
        context.Message,
        (_, e) => new ProtectedMachine(e.StreamId, e.Version, e.SubscriptionId, e.VaultId, e.TimeZone),
        context.CancellationToken);
}

/// <summary>A machine that was taken over may be in another time zone now.</summary>
internal sealed class MachineReplacedConsumer(IDocumentStore store) : IConsumer<MachineReplaced>
{
    public Task Consume(ConsumeContext<MachineReplaced> context) => store.ApplyAsync<ProtectedMachine, MachineReplaced>(
        context.Message,
        (_, e) => new ProtectedMachine(e.StreamId, e.Version, e.SubscriptionId, e.VaultId, e.TimeZone),
        context.CancellationToken);
}

internal sealed class VaultCreatedConsumer(IDocumentStore store) : IConsumer<VaultCreated>
{
    public Task Consume(ConsumeContext<VaultCreated> context) => store.ApplyAsync<KnownVault, VaultCreated>(
        context.Message, (_, e) => new KnownVault(e.StreamId, e.Version, e.SubscriptionId), context.CancellationToken);
}

internal sealed class VaultDeletedConsumer(IDocumentStore store) : IConsumer<VaultDeleted>
{
    public Task Consume(ConsumeContext<VaultDeleted> context) => store.ApplyAsync<KnownVault, VaultDeleted>(
        context.Message, (_, e) => new KnownVault(e.StreamId, e.Version, e.SubscriptionId, Deleted: true), context.CancellationToken);
}

internal static class MachineStore
{
    public static void AddMachines(this StoreOptions store)
    {
        store.AddReadModel<ProtectedMachine>();
        store.AddReadModel<KnownVault>();
    }
}

/// <summary>Who may see what of a machine or a vault.</summary>
internal sealed class MachineAccess(IDocumentStore store, TimeProvider clock)
{
    /// <summary>A machine whose recovery points the caller may see: itself, the one it recovers, or one of the operator's subscription.</summary>
    /// <exception cref="RefusedException">There is none, it is another tenant's, or it is not known yet.</exception>
    public async Task<ProtectedMachine> MachineAsync(HttpContext http, Guid machineId)
    {
        var caller = http.Caller();
        var reads = caller is IPointReader;
        if (reads && !caller.Reads(machineId))
        {
            throw new RefusedException(Refusal.NotFound("machine"));
        }

        var machine = await AwaitAsync<ProtectedMachine>(machineId, http.RequestAborted);
        if (machine is null && reads)
        {
            throw new RefusedException(Refusal.Unavailable("This machine's registration has not arrived here yet; try again in a moment."));
        }

        return machine is not null && (reads || caller.Operates(machine.SubscriptionId))
            ? machine
            : throw new RefusedException(Refusal.NotFound("machine"));
    }

    /// <summary>Makes sure that the operator who calls may see a vault.</summary>
    /// <exception cref="RefusedException">There is none, it is another tenant's, or no operator calls.</exception>
    public async Task CheckVaultAsync(HttpContext http, Guid vaultId)
    {
        var caller = http.CallingOperator();
        if (await AwaitAsync<KnownVault>(vaultId, http.RequestAborted) is not { Deleted: false } vault
            || !caller.Operates(vault.SubscriptionId))
        {
            throw new RefusedException(Refusal.NotFound("vault"));
        }
    }

    private Task<T?> AwaitAsync<T>(Guid id, CancellationToken cancellationToken) where T : class =>
        ReadModels.AwaitAsync(
            async () =>
            {
                await using var session = store.QuerySession();
                return await session.LoadAsync<T>(id, cancellationToken);
            },
            clock,
            cancellationToken);
}
