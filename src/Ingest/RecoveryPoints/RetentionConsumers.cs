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
internal sealed class RecoveryPointExpiredConsumer(PointStandings points) : IConsumer<RecoveryPointExpired>
{
    public Task Consume(ConsumeContext<RecoveryPointExpired> context) => points.ChangeAsync(
        context.Message.MachineId,
        context.Message.Item,
        context.Message.RecoveryPointId,
        connection => connection.Sql(
            """
            insert into bulk.point_retention as r (point_id, version, tags, expires_at, expired) values ($1, $2, '{}', $3, true)
            on conflict (point_id) do update set version = greatest(r.version, excluded.version), expired = true
            """,
            context.Message.RecoveryPointId, context.Message.Version, context.Message.At.ToUniversalTime()),
        context.CancellationToken);
}

/// <summary>Reads are refused until it is undeleted, and the point does not count.</summary>
internal sealed class RecoveryPointDeletedConsumer(PointStandings points) : IConsumer<RecoveryPointDeleted>
{
    public Task Consume(ConsumeContext<RecoveryPointDeleted> context) => points.ChangeAsync(
        context.Message.MachineId,
        context.Message.Item,
        context.Message.RecoveryPointId,
        connection => PointStandings.Deletion(
            connection, context.Message.RecoveryPointId, context.Message.Version, context.Message.PurgeAt.ToUniversalTime()),
        context.CancellationToken);
}

/// <summary>It can be read again, and counts again.</summary>
internal sealed class RecoveryPointRestoredConsumer(PointStandings points) : IConsumer<RecoveryPointRestored>
{
    public Task Consume(ConsumeContext<RecoveryPointRestored> context) => points.ChangeAsync(
        context.Message.MachineId,
        context.Message.Item,
        context.Message.RecoveryPointId,
        connection => PointStandings.Deletion(connection, context.Message.RecoveryPointId, context.Message.Version, purgeAt: null),
        context.CancellationToken);
}

/// <summary>A tombstone.</summary>
internal sealed class RecoveryPointPurgedConsumer(PointStandings points) : IConsumer<RecoveryPointPurged>
{
    public Task Consume(ConsumeContext<RecoveryPointPurged> context) => points.ChangeAsync(
        context.Message.MachineId,
        context.Message.Item,
        context.Message.RecoveryPointId,
        connection => connection.Sql(
            """
            insert into bulk.point_retention as r (point_id, version, tags, expires_at, expired, purged) values ($1, 0, '{}', null, false, true)
            on conflict (point_id) do update set purged = true
            """,
            context.Message.RecoveryPointId),
        context.CancellationToken);
}

/// <summary>
/// Keeps what retention says of recovery points, and lets their items count accordingly, in one transaction: whatever comes twice or
/// out of order, an item counts what its points' rows say.
/// </summary>
internal sealed class PointStandings(ExclusiveCommands commands, TimeProvider clock)
{
    /// <summary>Deletion has versions of its own: tags that were told later do not hide it.</summary>
    public static NpgsqlCommand Deletion(NpgsqlConnection connection, Guid pointId, long version, DateTimeOffset? purgeAt) => connection.Sql(
        """
        insert into bulk.point_retention as r (point_id, version, tags, expires_at, expired, deletion_version, purge_at)
        values ($1, 0, '{}', null, false, $2, $3::timestamptz)
        on conflict (point_id) do update set deletion_version = excluded.deletion_version, purge_at = excluded.purge_at
        where r.deletion_version < excluded.deletion_version
        """,
        pointId, version, purgeAt);

    public Task ChangeAsync(
        Guid machineId, string item, Guid pointId, Func<NpgsqlConnection, NpgsqlCommand> change, CancellationToken cancellationToken)
    {
        var itemId = ItemId.Of(machineId, item);
        return commands.RunAsync(
            itemId,
            async transaction =>
            {
                await change(transaction.Connection).RunAsync(cancellationToken);
                return await ReadAsync(transaction.Connection, pointId, cancellationToken) is { } point
                    ? await transaction.Session.DecideAsync<MachineItem>(
                        itemId,
                        state => MachineItem.Settle(state, pointId, point.SealedAt, point.Standing, clock.GetUtcNow()),
                        cancellationToken)
                    : Decision.Nothing;
            },
            cancellationToken);
    }

    private static async Task<(DateTimeOffset SealedAt, PointStanding Standing)?> ReadAsync(
        NpgsqlConnection connection, Guid pointId, CancellationToken cancellationToken)
    {
        await using var command = connection.Sql(
            """
            select p.created_at, r.expired or r.purged, r.purge_at is not null
            from bulk.recovery_points p join bulk.point_retention r on r.point_id = p.id where p.id = $1
            """,
            pointId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (reader.GetFieldValue<DateTimeOffset>(0),
                reader.GetBoolean(1) ? PointStanding.Ended : reader.GetBoolean(2) ? PointStanding.Deleted : PointStanding.Live)
            : null;
    }
}
