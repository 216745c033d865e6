using BackupPlatform.IngestService.Data;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.Chunks;

/// <summary>Notes packs whose blob is gone or cut off, so that what they held is sent again rather than taken for stored for ever.</summary>
/// <remarks>
/// A lost chunk leaves the index and is noted in <c>bulk.lost_chunks</c>: from then on backup jobs hear that it is missing, and a seal
/// asks for those that its point would take over from its base. A blob that comes back, with a disk that was not mounted, brings
/// its chunks back into the index; nothing is deleted here.
/// </remarks>
internal sealed class LostPacks(NpgsqlDataSource database, IBlobStore blobs, ILogger<LostPacks> log)
{
    private const int BatchSize = 1_000;

    /// <summary>
    /// Compares all packs of a machine with the store. Where one is lost others may be, and a backup can only send what is known to be
    /// missing. Costs a listing of the machine's packs; memory does not grow with them.
    /// </summary>
    public async Task InspectAsync(Guid vaultId, Guid machineId, CancellationToken cancellationToken)
    {
        var lost = new List<LostPack>();
        await foreach (var (packId, bytes) in SuspectsAsync(vaultId, machineId, cancellationToken))
        {
            // A pack that was committed since the listing began may not be in it: asked for by its name, it is there.
            var length = await blobs.GetLengthAsync(BlobNames.Pack(vaultId, machineId, packId), cancellationToken);
            if (length is null || length < bytes)
            {
                lost.Add(new LostPack(packId, length ?? 0));
            }

            if (lost.Count == BatchSize)
            {
                await NoteAsync(machineId, lost, cancellationToken);
                lost.Clear();
            }
        }

        await NoteAsync(machineId, lost, cancellationToken);
    }

    /// <summary>Looks whether packs of a machine that were lost are there again.</summary>
    /// <returns>Whether any is.</returns>
    public async Task<bool> FindAgainAsync(Guid vaultId, Guid machineId, CancellationToken cancellationToken)
    {
        var back = new List<Guid>();
        foreach (var (packId, bytes) in await LostAsync(machineId, cancellationToken))
        {
            if (await blobs.GetLengthAsync(BlobNames.Pack(vaultId, machineId, packId), cancellationToken) >= bytes)
            {
                back.Add(packId);
            }
        }

        return back.Count > 0 && await TakeBackAsync(machineId, [.. back], cancellationToken);
    }

    /// <summary>Live packs that the store's listing does not show in their full length.</summary>
    private async IAsyncEnumerable<(Guid PackId, long Bytes)> SuspectsAsync(
        Guid vaultId, Guid machineId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var folder = BlobNames.Packs(vaultId, machineId);
        await using var stored = blobs.ListAsync(folder, cancellationToken).GetAsyncEnumerator(cancellationToken);
        // Both in the order of the ids' bytes, which is that of their names.
        await using var command = database.Sql("select id, bytes from bulk.packs where machine_id = $1 and state = 1 order by id", machineId);
        await using var packs = await command.ExecuteReaderAsync(cancellationToken);
        var more = await stored.MoveNextAsync();
        while (await packs.ReadAsync(cancellationToken))
        {
            var (packId, bytes) = (packs.GetGuid(0), packs.GetInt64(1));
            var name = folder + packId.ToString("D");
            while (more && string.CompareOrdinal(stored.Current.Name, name) < 0)
            {
                more = await stored.MoveNextAsync();
            }

            if (!more || stored.Current.Name != name || stored.Current.Length < bytes)
            {
                yield return (packId, bytes);
            }
        }
    }

    private async Task NoteAsync(Guid machineId, List<LostPack> packs, CancellationToken cancellationToken)
    {
        if (packs.Count == 0)
        {
            return;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await BeginAsync(connection, machineId, cancellationToken);
        var chunks = await connection.Bulk(
            """
            with gone as (
                delete from bulk.chunk_index c using unnest($2, $3) as f (pack_id, length)
                where c.machine_id = $1 and c.pack_id = f.pack_id and c.pack_offset + c.length > f.length
                returning c.chunk, c.pack_id, c.pack_offset, c.length)
            insert into bulk.lost_chunks as l (machine_id, chunk, pack_id, pack_offset, length)
            select $1, chunk, pack_id, pack_offset, length from gone
            on conflict (machine_id, chunk) do update
            set pack_id = excluded.pack_id, pack_offset = excluded.pack_offset, length = excluded.length
            """,
            machineId, packs.ConvertAll(pack => pack.Id).ToArray(), packs.ConvertAll(pack => pack.Length).ToArray())
            .RunAsync(cancellationToken);
        await connection.Sql(
            "update bulk.packs set state = 3 where id = any($1) and state = 1",
            packs.FindAll(pack => pack.Length == 0).ConvertAll(pack => pack.Id).ToArray()).RunAsync(cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        if (chunks > 0)
        {
            log.LogError(
                "{Chunks} chunks of machine {MachineId} are lost with {Packs} packs that are gone or cut off, {PackId} the first; its next backups send again what they still need",
                chunks, machineId, packs.Count, packs[0].Id);
        }
    }

    private async Task<List<(Guid PackId, long Bytes)>> LostAsync(Guid machineId, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            "select pack_id, max(pack_offset + length) from bulk.lost_chunks where machine_id = $1 group by pack_id", machineId);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var packs = new List<(Guid, long)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            packs.Add((reader.GetGuid(0), reader.GetInt32(1)));
        }

        return packs;
    }

    private async Task<bool> TakeBackAsync(Guid machineId, Guid[] packs, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await BeginAsync(connection, machineId, cancellationToken);
        // Not one whose segment the job has sent again meanwhile: a job has one pack for each of its segments.
        await connection.Sql(
            """
            update bulk.packs p set state = 1 where id = any($1) and state = 3
            and not exists (select 1 from bulk.packs o where o.job_id = p.job_id and o.segment = p.segment and o.state = 1)
            """,
            packs).RunAsync(cancellationToken);
        var chunks = await connection.Bulk(
            """
            with found as (
                delete from bulk.lost_chunks l using bulk.packs p
                where l.machine_id = $1 and l.pack_id = any($2) and p.id = l.pack_id and p.state = 1
                returning l.chunk, l.pack_id, l.pack_offset, l.length)
            insert into bulk.chunk_index (machine_id, chunk, pack_id, pack_offset, length)
            select $1, chunk, pack_id, pack_offset, length from found order by chunk
            on conflict do nothing
            """,
            machineId, packs).RunAsync(cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        log.LogWarning("{Chunks} lost chunks of machine {MachineId} are there again", chunks, machineId);
        return chunks > 0;
    }

    /// <summary>One at a time for a machine: two that move the same rows in different orders would stop one another.</summary>
    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, Guid machineId, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.LockAsync(machineId, cancellationToken);
        return transaction;
    }

    /// <param name="Length">Bytes that are still there; 0: none.</param>
    private sealed record LostPack(Guid Id, long Length);
}
