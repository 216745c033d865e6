using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.IngestService.Data;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Storage;
using MassTransit;

namespace BackupPlatform.IngestService.Restores;

internal sealed class RestoreRequestedConsumer(RestorePlanning planning) : IConsumer<RestoreRequested>
{
    public async Task Consume(ConsumeContext<RestoreRequested> context)
    {
        try
        {
            await planning.PlanAsync(context.Message, context.CancellationToken);
        }
        catch (BlobStoreException e)
        {
            // In the bus's words: an outage, for which the message waits.
            throw new IOException("The store cannot be used now.", e);
        }
    }
}

internal sealed class RestoreCompletedConsumer(EndRestoreLeases leases) : IConsumer<RestoreCompleted>
{
    public Task Consume(ConsumeContext<RestoreCompleted> context) =>
        leases.EndAsync(context.Message, context.CancellationToken);
}

internal sealed class RestoreFailedConsumer(EndRestoreLeases leases) : IConsumer<RestoreFailed>
{
    public Task Consume(ConsumeContext<RestoreFailed> context) =>
        leases.EndAsync(context.Message, context.CancellationToken);
}

/// <summary>Ends leases, also of jobs that were never planned: they will not be.</summary>
internal sealed class EndRestoreLeases(ExclusiveCommands commands)
{
    public Task EndAsync(IContract ended, CancellationToken cancellationToken) => commands.RunAsync(
        ended.StreamId,
        async transaction =>
        {
            await transaction.Connection.Bulk(
                "delete from bulk.lease_packs where lease_id = $1", ended.StreamId).RunAsync(cancellationToken);
            return await transaction.Session.DecideAsync<RestoreLease>(
                ended.StreamId, state => RestoreLease.End(state, ended.StreamId, ended.At), cancellationToken);
        },
        cancellationToken);
}
