using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService.Machines;
using Marten;
using MassTransit;

namespace BackupPlatform.RegistrationService.Vaults;

/// <summary>A vault was deleted: its machines' identities end, and it takes no machine any more.</summary>
/// <remarks>The roster closes in the transaction that ends the machines it has, so none that registers just then is left over.</remarks>
public sealed class VaultDeletedConsumer(IDocumentStore store, TimeProvider clock) : IConsumer<VaultDeleted>
{
    /// <inheritdoc/>
    public async Task Consume(ConsumeContext<VaultDeleted> context)
    {
        var (fact, stop) = (context.Message, context.CancellationToken);
        await store.ChangeAsync<KnownVault>(
            fact.StreamId, known => KnownVault.Apply(known, fact, fact.SubscriptionId, KnownVaultState.Deleted), stop);
        await store.CommitAsync(
            async session =>
            {
                VaultRoster? roster = null;
                var closed = await session.DecideAsync<VaultRoster>(
                    fact.StreamId, state => VaultRoster.Close(roster = state, fact.StreamId, clock.GetUtcNow()), stop);
                foreach (var entry in closed.Events.Count > 0 ? roster?.Machines ?? [] : [])
                {
                    Machine? machine = null;
                    await session.DecideAsync<Machine>(entry.Id, state => Machine.Dismiss(machine = state, clock.GetUtcNow()), stop);
                    await session.EndIdentityAsync(entry.Id, machine?.Generation ?? 0, stop);
                }

                return closed;
            },
            stop);
    }
}
