using BackupPlatform.Contracts.Retention;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.Platform.EventStore;
using MassTransit;
using Npgsql;

namespace BackupPlatform.IngestService.RecoveryPoints;

/// <summary>Tags and expiry: the highest version counts, and nothing counts after the point has expired.</summary>
internal sealed class RecoveryPointTaggedConsumer(NpgsqlDataSource database) : IConsumer<RecoveryPointTagged>
{
    public async Task Consume(ConsumeContext<RecoveryPointTagged> context)
    {
        var e = context.Message;
        await database.Sql(
            """
            insert into bulk.point_retention as r (point_id, version, tags, expires_at, expired) values ($1, $2, $3, $4, false)
            on conflict (point_id) do update
            set version = excluded.version, tags = excluded.tags, expires_at = excluded.expires_at
            where r.version < excluded.version and not r.expired
            """,
            e.RecoveryPointId, e.Version, e.Tags.ToArray(), e.ExpiresAt.ToUniversalTime()).RunAsync(context.CancellationToken);
    }
}

/// <summary>A tombstone: reads are refused from now on, and the point counts no more against the item's limit.</summary>
internal sealed class RecoveryPointExpiredConsumer(
    NpgsqlDataSource database, ExclusiveCommands commands, TimeProvider clock) : IConsumer<RecoveryPointExpired>
{
    public async Task Consume(ConsumeContext<RecoveryPointExpired> context)
    {
        var e = context.Message;
        await database.Sql(
            """
            insert into bulk.point_retention as r (point_id, version, tags, expires_at, expired) values ($1, $2, '{}', $3, true)
            on conflict (point_id) do update set version = greatest(r.version, excluded.version), expired = true
            """,
            e.RecoveryPointId, e.Version, e.At.ToUniversalTime()).RunAsync(context.CancellationToken);

        var itemId = ItemId.Of(e.MachineId, e.Item);
        await commands.RunAsync(
            itemId,
            transaction => transaction.Session.DecideAsync<MachineItem>(
                itemId, state => MachineItem.Expire(state, e.RecoveryPointId, clock.GetUtcNow()), context.CancellationToken),
            context.CancellationToken);
    }
}
