using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Data;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults;
using Npgsql;

namespace BackupPlatform.IngestService.RecoveryPoints;

/// <summary>A recovery point without its manifest.</summary>
/// <param name="PurgeAt">Until when a deleted one can be undeleted.</param>
internal sealed record PointRow(Guid SubscriptionId, Guid ItemId, RecoveryPointDocument Document, DateTimeOffset? PurgeAt)
{
    public Guid Id => Document.Id;

    /// <summary>Why its data can not be read; null where it can.</summary>
    public Refusal? Unreadable => Document.State switch
    {
        RecoveryPointState.Sealed => null,
        RecoveryPointState.Deleted => new Refusal(
            ProblemCodes.Conflict,
            $"The recovery point was deleted; an operator can undelete it until {PurgeAt!.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC."),
        RecoveryPointState.Purged => new Refusal(
            ProblemCodes.Conflict, "The recovery point was deleted for good; choose another one."),
        _ => new Refusal(ProblemCodes.Conflict, "The recovery point has expired and can no longer be read; choose a newer one."),
    };
}

/// <summary>What a chain of seals builds on.</summary>
internal sealed record BaseSet(long ChunkCount, ChunkSetHash Hash)
{
    public static BaseSet Empty { get; } = new(0, default);
}

/// <summary>Rows of <c>bulk.recovery_points</c>, with what retention says of them.</summary>
internal static class PointRows
{
    private const string Select = """
        select p.id, p.subscription_id, p.vault_id, p.machine_id, p.item_id, p.item, p.sequence, p.created_at, p.chunk_count,
            p.stored_bytes, p.uploaded_bytes, r.tags, r.expires_at, coalesce(r.expired, false),
            coalesce(r.purged, false), r.purge_at
        from bulk.recovery_points p left join bulk.point_retention r on r.point_id = p.id

        """;

    public static async Task<PointRow?> FindPointAsync(
        this NpgsqlDataSource database, Guid pointId, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(Select + "where p.id = $1", pointId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    /// <summary>A machine's recovery points, newest first; one more than asked for where there are more.</summary>
    public static async Task<IReadOnlyList<PointRow>> ListPointsAsync(
        this NpgsqlDataSource database, Guid machineId, string? item, Paging paging, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            Select + """
                where p.machine_id = $1 and ($2::text is null or p.item = $2) and ($3::uuid is null or p.id < $3)
                order by p.id desc limit $4
                """,
            machineId, item, paging.After, paging.Limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<PointRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(Read(reader));
        }

        return rows;
    }

    public static async Task<byte[]?> ManifestAsync(this NpgsqlDataSource database, Guid pointId, CancellationToken cancellationToken)
    {
        await using var command = database.Sql("select manifest from bulk.recovery_points where id = $1", pointId);
        return (byte[]?)await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>What an agent needs of the point that its job builds on; null for a first backup.</summary>
    public static async Task<BasePoint?> BasePointAsync(
        this NpgsqlDataSource database, Guid itemId, long sequence, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select id, chunk_count, set_hash, manifest from bulk.recovery_points where item_id = $1 and sequence = $2",
            itemId, sequence);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new BasePoint(
                reader.GetGuid(0), sequence, reader.GetInt64(1), reader.GetFieldValue<byte[]>(2), reader.GetFieldValue<byte[]>(3))
            : null;
    }

    public static async Task<BaseSet> BaseSetAsync(
        this NpgsqlDataSource database, Guid itemId, long sequence, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select chunk_count, set_hash from bulk.recovery_points where item_id = $1 and sequence = $2", itemId, sequence);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new BaseSet(reader.GetInt64(0), new ChunkSetHash(reader.GetFieldValue<byte[]>(1)))
            : BaseSet.Empty;
    }

    private static PointRow Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(1),
        reader.GetGuid(4),
        new RecoveryPointDocument(
            Id: reader.GetGuid(0),
            VaultId: reader.GetGuid(2),
            MachineId: reader.GetGuid(3),
            Item: reader.GetString(5),
            Sequence: reader.GetInt64(6),
            CreatedAt: reader.GetFieldValue<DateTimeOffset>(7),
            State: State(reader),
            ChunkCount: reader.GetInt64(8),
            StoredBytes: reader.GetInt64(9),
            UploadedBytes: reader.GetInt64(10),
            Tags: reader.IsDBNull(11) ? [] : reader.GetFieldValue<string[]>(11),
            ExpiresAt: reader.IsDBNull(12) ? null : reader.GetFieldValue<DateTimeOffset>(12)),
        reader.IsDBNull(15) ? null : reader.GetFieldValue<DateTimeOffset>(15));

    private static RecoveryPointState State(NpgsqlDataReader reader) =>
        reader.GetBoolean(14) ? RecoveryPointState.Purged
        : reader.GetBoolean(13) ? RecoveryPointState.Expired
        : reader.IsDBNull(15) ? RecoveryPointState.Sealed
        : RecoveryPointState.Deleted;
}
