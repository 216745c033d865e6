using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using Npgsql;

namespace BackupPlatform.IngestService.Data;

/// <summary>An attempt to store a segment that is not committed.</summary>
internal sealed record PackAttempt(Guid PackId, Guid VaultId, Guid MachineId);

/// <summary>Rows of <c>bulk.packs</c>: first an intent, then committed with its index rows, or abandoned.</summary>
internal static class PackRows
{
    /// <summary>Notes that a blob of this name may come to be. Before its first byte.</summary>
    public static async Task InsertIntentAsync(
        this NpgsqlDataSource database, JobRow job, Guid packId, int segment, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await database.Sql(
            """
            insert into bulk.packs (id, machine_id, item_id, job_id, segment, state, chunks, bytes, created_at)
            values ($1, $2, $3, $4, $5, 0, 0, 0, $6)
            """,
            packId, job.MachineId, job.ItemId, job.Id, segment, now).RunAsync(cancellationToken);
    }

    /// <summary>The receipt of a segment that has been committed.</summary>
    public static async Task<SegmentReceipt?> FindReceiptAsync(
        this NpgsqlDataSource database, Guid jobId, int segment, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select chunks, bytes from bulk.packs where job_id = $1 and segment = $2 and state = 1", jobId, segment);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new SegmentReceipt(segment, reader.GetInt32(0), reader.GetInt64(1)) : null;
    }

    /// <summary>
    /// Commits a durable pack with its index rows: only while the job and the intent are open, and the segment is not committed.
    /// A chunk that the machine has already stays where it is; one that was lost is there again.
    /// </summary>
    /// <returns>Whether it is committed. If not, the pack may be abandoned.</returns>
    public static async Task<bool> TryCommitAsync(
        this NpgsqlDataSource database, JobRow job, Guid packId, SegmentScanner segment, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Shared: segments of a job do not wait for one another, whoever ends the job waits for them.
        await using var open = connection.Sql("select 1 from bulk.jobs where id = $1 and open for share", job.Id);
        if (await open.ExecuteScalarAsync(cancellationToken) is null)
        {
            return false;
        }

        try
        {
            await using var commit = connection.Sql(
                "update bulk.packs set state = 1, chunks = $2, bytes = $3 where id = $1 and state = 0",
                packId, segment.Frames.Count, segment.Length);
            if (await commit.ExecuteNonQueryAsync(cancellationToken) == 0)
            {
                return false;
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another attempt at the same segment was faster.
            return false;
        }

        await InsertIndexRowsAsync(connection, job.MachineId, packId, segment.Frames, cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        return true;
    }

    /// <summary>Gives an attempt up, unless it has been committed.</summary>
    /// <returns>Whether nothing will ever refer to the pack's blob, so that it may be deleted.</returns>
    public static async Task<bool> TryAbandonAsync(
        this NpgsqlDataSource database, Guid packId, CancellationToken cancellationToken)
    {
        await database.Sql("update bulk.packs set state = 2 where id = $1 and state = 0", packId).RunAsync(cancellationToken);
        // Given up before, by the sweep, or its row already removed: an attempt that lived on deletes its blob all the same.
        await using var command = database.Sql("select not exists (select 1 from bulk.packs where id = $1 and state <> 2)", packId);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Attempts whose job has ended or that began before then, and that came neither to their commit nor to their end.</summary>
    public static Task<IReadOnlyList<PackAttempt>> StrandedAsync(
        this NpgsqlDataSource database, DateTimeOffset since, CancellationToken cancellationToken) => ListAsync(
        database.Sql(
            """
            select p.id, j.vault_id, p.machine_id from bulk.packs p join bulk.jobs j on j.id = p.job_id
            where p.state = 0 and (not j.open or p.created_at < $1) order by p.created_at limit 100
            """,
            since),
        cancellationToken);

    /// <summary>Attempts that were given up and that began before then: none of them still writes.</summary>
    public static Task<IReadOnlyList<PackAttempt>> GivenUpAsync(
        this NpgsqlDataSource database, DateTimeOffset since, CancellationToken cancellationToken) => ListAsync(
        database.Sql(
            """
            select p.id, j.vault_id, p.machine_id from bulk.packs p join bulk.jobs j on j.id = p.job_id
            where p.state = 2 and p.created_at < $1 order by p.created_at limit 100
            """,
            since),
        cancellationToken);

    /// <summary>Forgets an attempt whose blob is gone.</summary>
    public static Task ForgetAsync(this NpgsqlDataSource database, Guid packId, CancellationToken cancellationToken) =>
        database.Sql("delete from bulk.packs where id = $1 and state = 2", packId).RunAsync(cancellationToken);

    /// <summary>Bytes of the committed packs of jobs; jobs without are left out.</summary>
    public static async Task<IReadOnlyDictionary<Guid, long>> BytesOfJobsAsync(
        this NpgsqlDataSource database, Guid[] jobIds, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select job_id, sum(bytes)::bigint from bulk.packs where job_id = any($1) and state = 1 group by job_id", jobIds);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var bytes = new Dictionary<Guid, long>();
        while (await reader.ReadAsync(cancellationToken))
        {
            bytes.Add(reader.GetGuid(0), reader.GetInt64(1));
        }

        return bytes;
    }

    private static async Task<IReadOnlyList<PackAttempt>> ListAsync(NpgsqlCommand query, CancellationToken cancellationToken)
    {
        await using var command = query;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var attempts = new List<PackAttempt>();
        while (await reader.ReadAsync(cancellationToken))
        {
            attempts.Add(new PackAttempt(reader.GetGuid(0), reader.GetGuid(1), reader.GetGuid(2)));
        }

        return attempts;
    }

    private static async Task InsertIndexRowsAsync(
        NpgsqlConnection connection, Guid machineId, Guid packId, IReadOnlyList<SegmentFrame> frames, CancellationToken cancellationToken)
    {
        // Sorted, as all writers do: two that store the same chunks wait for one another in the same order.
        var sorted = frames.OrderBy(frame => frame.Id).ToArray();
        var ids = Array.ConvertAll(sorted, frame => frame.Id.ToByteArray());
        await connection.Sql(
            """
            insert into bulk.chunk_index (machine_id, chunk, pack_id, pack_offset, length)
            select $1, t.chunk, $2, t.pack_offset, t.length
            from unnest($3, $4, $5) with ordinality as t (chunk, pack_offset, length, nr)
            order by t.nr
            on conflict do nothing
            """,
            machineId,
            packId,
            ids,
            Array.ConvertAll(sorted, frame => (int)frame.Offset),
            Array.ConvertAll(sorted, frame => frame.Length)).RunAsync(cancellationToken);
        // Only what is in the index now: a chunk that was noted as lost in between stays noted.
        await connection.Sql(
            """
            delete from bulk.lost_chunks l where machine_id = $1 and chunk = any($2)
            and exists (select from bulk.chunk_index c where c.machine_id = l.machine_id and c.chunk = l.chunk)
            """,
            machineId,
            ids).RunAsync(cancellationToken);
    }
}
