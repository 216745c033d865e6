using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Policies;
using Marten;
using MassTransit;

namespace BackupPlatform.RetentionService.Items;

/// <summary>A recovery point was sealed: it is tagged, and with it what it changes for the others of its item.</summary>
internal sealed class RecoveryPointCreatedConsumer(IDocumentStore store, TimeProvider clock, ILogger<RecoveryPointCreatedConsumer> log)
    : IConsumer<RecoveryPointCreated>
{
    public async Task Consume(ConsumeContext<RecoveryPointCreated> context)
    {
        var fact = context.Message;
        var noted = new PointNoted(
            fact.StreamId, fact.VaultId, fact.MachineId, fact.Item, fact.RecoveryPointId, fact.Sequence, fact.At, fact.TimeZone, clock.GetUtcNow());
        ItemRetention? before = null;
        var decision = await store.CommitAsync(
            session =>
            {
                session.Store(new KnownPoint(fact.RecoveryPointId, fact.StreamId, fact.SubscriptionId));
                return session.DecideAsync<ItemRetention>(
                    fact.StreamId,
                    state => ItemRetention.Note(before = state, noted, RetentionPolicy.BuiltIn),
                    context.CancellationToken);
            },
            context.CancellationToken);
        var highest = before?.HighestSequence ?? 0;
        if (decision.Events.Count > 0 && fact.Sequence > highest + 1)
        {
            log.LogInformation(
                "Item {ItemId}: recovery point {Sequence} is the next heard of after {Highest}; those between are still under way",
                fact.StreamId, fact.Sequence, highest);
        }
    }
}
