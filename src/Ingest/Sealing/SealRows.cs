using BackupPlatform.Contracts;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.ServiceDefaults;
using Npgsql;
using NpgsqlTypes;

namespace BackupPlatform.IngestService.Sealing;

/// <summary>The bulk part of a seal, inside its transaction: work and rows in proportion to what changed.</summary>
internal static class SealRows
{
    /// <summary>Ids in one answer at most, 8 MiB. An agent asks for the rest with its next seal, and it seals a few times only.</summary>
    private const int MostMissing = 256 * 1024;

    /// <summary>Copies the ids of a seal delta into the transaction's own tables <c>seal_added</c> and <c>seal_dropped</c>.</summary>
    public static async Task LoadAsync(NpgsqlConnection connection, Stream delta, CancellationToken cancellationToken)
    {
        await connection.Bulk("""
            create temporary table seal_added (chunk bytea not null) on commit drop;
            create temporary table seal_dropped (chunk bytea not null) on commit drop;
            """).RunAsync(cancellationToken);
        var reader = await SealDeltaReader.OpenAsync(delta, cancellationToken);
        var kind = await reader.ReadAsync(cancellationToken);
        kind = await CopyAsync(connection, "seal_added", SealDeltaBlock.Added, reader, kind, cancellationToken);
        await CopyAsync(connection, "seal_dropped", SealDeltaBlock.Dropped, reader, kind, cancellationToken);
        // Without statistics the planner takes temporary tables for tiny ones.
        await connection.Bulk("analyze seal_added; analyze seal_dropped").RunAsync(cancellationToken);
    }

    /// <summary>Makes of a list of all chunks the difference to the base point.</summary>
    /// <returns>How many chunks are dropped.</returns>
    public static async Task<long> CompareWithBaseAsync(NpgsqlConnection connection, BackupJob job, CancellationToken cancellationToken)
    {
        var dropped = await connection.Bulk(
            """
            insert into seal_dropped select s.chunk from bulk.spans s
            where s.machine_id = $1 and s.item_id = $2 and s.last_sequence is null
            and not exists (select 1 from seal_added a where a.chunk = s.chunk)
            """,
            job.MachineId, job.ItemId).RunAsync(cancellationToken);
        await connection.Bulk(
            """
            delete from seal_added a using bulk.spans s
            where s.machine_id = $1 and s.chunk = a.chunk and s.item_id = $2 and s.last_sequence is null
            """,
            job.MachineId, job.ItemId).RunAsync(cancellationToken);
        await connection.Bulk("analyze seal_added; analyze seal_dropped").RunAsync(cancellationToken);
        return dropped;
    }

    /// <summary>
    /// The first of the chunks that no pack of the machine holds: of the added ones, and of those that the point would take over
    /// from its base and that were lost since. The agent sends them again, and older points have them back too.
    /// </summary>
    public static async Task<byte[]> MissingAsync(NpgsqlConnection connection, BackupJob job, CancellationToken cancellationToken)
    {
        await using var command = connection.Bulk(
            """
            select wanted.chunk from (
                select chunk from seal_added
                union all
                select l.chunk from bulk.lost_chunks l
                join bulk.spans s on s.machine_id = $1 and s.chunk = l.chunk and s.item_id = $2 and s.last_sequence is null
                where l.machine_id = $1 and not exists (select 1 from seal_dropped d where d.chunk = l.chunk)) wanted
            left join bulk.chunk_index c on c.machine_id = $1 and c.chunk = wanted.chunk
            left join bulk.packs p on p.id = c.pack_id and p.state = 1
            where p.id is null order by wanted.chunk limit $3
            """,
            job.MachineId, job.ItemId, MostMissing);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        using var missing = new MemoryStream();
        while (await reader.ReadAsync(cancellationToken))
        {
            missing.Write(reader.GetFieldValue<byte[]>(0));
        }

        return missing.ToArray();
    }

    /// <summary>Ends the spans of dropped chunks with the base point and begins those of added ones with the new point.</summary>
    /// <param name="dropped">How many chunks have to be in the base point and are dropped.</param>
    /// <returns>Why the lists do not fit the base point; null where they do.</returns>
    public static async Task<Refusal?> MoveSpansAsync(
        NpgsqlConnection connection, BackupJob job, long dropped, CancellationToken cancellationToken)
    {
        await using (var command = connection.Bulk(
            """
            select count(*) from seal_added a join bulk.spans s
            on s.machine_id = $1 and s.chunk = a.chunk and s.item_id = $2 and s.last_sequence is null
            """,
            job.MachineId, job.ItemId))
        {
            if (await command.ExecuteScalarAsync(cancellationToken) is long and not 0L and var known)
            {
                return Unfit($"{known} of the added chunks are in the base point already");
            }
        }

        var ended = await connection.Bulk(
            """
            update bulk.spans s set last_sequence = $3 from seal_dropped d
            where s.machine_id = $1 and s.chunk = d.chunk and s.item_id = $2 and s.last_sequence is null
            """,
            job.MachineId, job.ItemId, job.BaseSequence).RunAsync(cancellationToken);
        if (ended != dropped)
        {
            return Unfit($"{dropped - ended} of the dropped chunks are not in the base point");
        }

        await connection.Bulk(
            """
            insert into bulk.spans (machine_id, chunk, item_id, first_sequence, last_sequence)
            select $1, chunk, $2, $3, null from seal_added
            """,
            job.MachineId, job.ItemId, job.Sequence).RunAsync(cancellationToken);
        return null;
    }

    /// <summary>Counts each of the item's packs to the first point that is sealed after it: what the point added to the vault.</summary>
    /// <returns>Bytes that the point added, and bytes of the job's packs.</returns>
    public static async Task<(long Stored, long Uploaded)> ClaimPacksAsync(
        NpgsqlConnection connection, BackupJob job, Guid pointId, CancellationToken cancellationToken)
    {
        await using var command = connection.Bulk(
            """
            with claimed as (
                update bulk.packs set point_id = $2 where item_id = $1 and state = 1 and point_id is null returning bytes)
            select coalesce((select sum(bytes) from claimed), 0)::bigint,
                coalesce((select sum(bytes) from bulk.packs where job_id = $3 and state = 1), 0)::bigint
            """,
            job.ItemId, pointId, job.Id);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    public static async Task InsertPointAsync(
        NpgsqlConnection connection, RecoveryPointSealed point, SealDeltaHeader header, CancellationToken cancellationToken)
    {
        await connection.Sql(
            """
            insert into bulk.recovery_points (id, subscription_id, vault_id, machine_id, item_id, item, sequence, job_id, created_at,
                chunk_count, set_hash, manifest, stored_bytes, uploaded_bytes)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            point.RecoveryPointId, point.SubscriptionId, point.VaultId, point.MachineId, point.ItemId, point.Item, point.Sequence,
            point.JobId, point.At, header.ChunkCount, header.SetHash.ToArray(), header.SealedManifest.ToArray(),
            point.StoredBytes, point.UploadedBytes).RunAsync(cancellationToken);
    }

    private static async Task<SealDeltaBlock> CopyAsync(
        NpgsqlConnection connection,
        string table,
        SealDeltaBlock wanted,
        SealDeltaReader reader,
        SealDeltaBlock kind,
        CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            $"copy {table} (chunk) from stdin (format binary)", cancellationToken);
        while (kind == wanted)
        {
            for (var i = 0; i < reader.Ids.Length; i++)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(reader.Ids.Span[i].ToByteArray(), NpgsqlDbType.Bytea, cancellationToken);
            }

            kind = await reader.ReadAsync(cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
        return kind;
    }

    private static Refusal Unfit(string detail) =>
        new(ProblemCodes.Integrity, $"The seal does not fit its base point: {detail}. Run the backup again.");
}
