using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Npgsql;

namespace BackupPlatform.IngestService.Data;

/// <summary>A backup job as the data plane sees it.</summary>
internal sealed record JobRow(Guid Id, Guid VaultId, Guid MachineId, Guid ItemId, bool Open)
{
    /// <summary>Name of the blob with a pack of the job's machine.</summary>
    public string PackBlob(Guid packId) => BlobNames.Pack(VaultId, MachineId, packId);
}

/// <summary>Rows of <c>bulk.jobs</c>.</summary>
internal static class JobRows
{
    /// <summary>A request keeps its job alive, noted at most this often.</summary>
    private static readonly TimeSpan TouchAfter = TimeSpan.FromMinutes(1);

    public static async Task InsertAsync(
        NpgsqlConnection connection, JobRow job, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await connection.Sql(
            "insert into bulk.jobs (id, vault_id, machine_id, item_id, open, touched_at) values ($1, $2, $3, $4, true, $5)",
            job.Id, job.VaultId, job.MachineId, job.ItemId, now).RunAsync(cancellationToken);
    }

    /// <summary>Ends a job for the data plane: waits for segments that are being committed; later ones are refused.</summary>
    public static async Task CloseAsync(NpgsqlConnection connection, Guid jobId, CancellationToken cancellationToken)
    {
        await connection.Sql("update bulk.jobs set open = false where id = $1", jobId).RunAsync(cancellationToken);
    }

    /// <summary>The calling machine's job, open or not; noted as alive.</summary>
    /// <exception cref="RefusedException">There is none, or it is another machine's.</exception>
    public static async Task<JobRow> OfCallerAsync(
        this NpgsqlDataSource database, HttpContext http, Guid jobId, TimeProvider clock)
    {
        var machine = http.CallingMachine();
        var now = clock.GetUtcNow();
        await using var command = database.Sql(
            "select vault_id, machine_id, item_id, open, touched_at from bulk.jobs where id = $1 and machine_id = $2",
            jobId, machine.MachineId);
        await using var reader = await command.ExecuteReaderAsync(http.RequestAborted);
        if (!await reader.ReadAsync(http.RequestAborted))
        {
            throw new RefusedException(Refusal.NotFound("backup job"));
        }

        var job = new JobRow(jobId, reader.GetGuid(0), reader.GetGuid(1), reader.GetGuid(2), reader.GetBoolean(3));
        var touchedAt = reader.GetFieldValue<DateTimeOffset>(4);
        await reader.DisposeAsync();
        if (job.Open && (now - touchedAt).Duration() > TouchAfter)
        {
            await database.Sql("update bulk.jobs set touched_at = $2 where id = $1", jobId, now).RunAsync(http.RequestAborted);
        }

        return job;
    }

    /// <summary>Open jobs that nobody has asked anything of since then, the longest forgotten first.</summary>
    public static async Task<IReadOnlyList<(Guid JobId, Guid ItemId)>> IdleAsync(
        this NpgsqlDataSource database, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select id, item_id from bulk.jobs where open and touched_at < $1 order by touched_at limit 100", since);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var idle = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            idle.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return idle;
    }

    /// <summary>A vault's open jobs.</summary>
    public static async Task<IReadOnlyList<(Guid JobId, Guid ItemId)>> OpenInVaultAsync(
        NpgsqlConnection connection, Guid vaultId, CancellationToken cancellationToken)
    {
        await using var command = connection.Sql("select id, item_id from bulk.jobs where open and vault_id = $1 order by id", vaultId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            jobs.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return jobs;
    }

    /// <summary>Whether a job is still idle, seen from inside the transaction that ends it.</summary>
    public static async Task<bool> IsIdleAsync(
        NpgsqlConnection connection, Guid jobId, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = connection.Sql(
            "select 1 from bulk.jobs where id = $1 and open and touched_at < $2 for update", jobId, since);
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }
}
