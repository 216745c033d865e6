using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Chunks;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Npgsql;
using NpgsqlTypes;

namespace BackupPlatform.IngestService.Restores;

/// <summary>A plan whose blob is durable; nothing is pinned yet.</summary>
internal sealed record WrittenPlan(string Blob, RestorePlanHead Head);

/// <summary>Looks up a restore job's chunks, checks that they are there, and writes the plan.</summary>
/// <remarks>
/// The selection lies in temporary tables of the connection, which go when it is closed: memory does not grow with it, except by a
/// few bytes for each pack.
/// </remarks>
internal sealed class PlanDraft(NpgsqlConnection connection, NpgsqlDataSource database, IBlobStore blobs, LostPacks lost, TimeProvider clock)
{
    /// <exception cref="RefusedException">It cannot be restored, for this reason.</exception>
    public async Task<WrittenPlan> WriteAsync(RestoreRequested request, CancellationToken cancellationToken)
    {
        var point = await PointAsync(request, cancellationToken);
        await CreateTablesAsync(cancellationToken);
        if (request.SelectionBlob is { } selection)
        {
            await LoadSelectionAsync(selection, cancellationToken);
        }
        else
        {
            await SelectWholeAsync(point, cancellationToken);
        }

        await ResolveAsync(point, cancellationToken);
        var packs = await CheckedPacksAsync(point, cancellationToken);
        return await WritePlanAsync(request.StreamId, await HeadAsync(point, packs, cancellationToken), cancellationToken);
    }

    private async Task<PointRow> PointAsync(RestoreRequested request, CancellationToken cancellationToken) =>
        await database.FindPointAsync(request.RecoveryPointId, cancellationToken) switch
        {
            { } point when point.Document.MachineId != request.MachineId => throw new RefusedException(Refusal.NotFound("recovery point")),
            null => throw new RefusedException(Refusal.NotFound("recovery point")),
            { Unreadable: { } refusal } => throw new RefusedException(refusal),
            var point => point,
        };

    private async Task CreateTablesAsync(CancellationToken cancellationToken) => await connection.Sql(
        """
        create temporary table wanted (chunk bytea not null);
        create temporary table planned (chunk bytea not null, pack_id uuid not null, pack_offset int not null, length int not null);
        """).RunAsync(cancellationToken);

    private async Task LoadSelectionAsync(string selection, CancellationToken cancellationToken)
    {
        switch (await blobs.GetLengthAsync(selection, cancellationToken))
        {
            case null:
                throw Unreadable("is not there");
            case 0:
                throw Unreadable("names no chunk");
            case { } length when length % ChunkId.Size != 0:
                throw Unreadable("ends inside a chunk id");
        }

        await using var stream = await blobs.OpenReadAsync(selection, cancellationToken)
            ?? throw new StoreUnavailableException($"The blob {selection} has just gone.");
        await CopyIdsAsync(stream, cancellationToken);
        await connection.Bulk("analyze wanted").RunAsync(cancellationToken);
    }

    private async Task CopyIdsAsync(Stream ids, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096 * ChunkId.Size];
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy wanted (chunk) from stdin (format binary)", cancellationToken);
        int read;
        while ((read = await ids.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)) > 0)
        {
            for (var at = 0; at < read; at += ChunkId.Size)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(buffer.AsMemory(at, ChunkId.Size), NpgsqlDbType.Bytea, cancellationToken);
            }
        }

        await copy.CompleteAsync(cancellationToken);
    }

    private async Task SelectWholeAsync(PointRow point, CancellationToken cancellationToken) => await connection.Bulk(
        """
        insert into wanted select chunk from bulk.spans
        where machine_id = $1 and item_id = $2 and first_sequence <= $3 and (last_sequence is null or last_sequence >= $3);
        """,
        point.Document.MachineId, point.ItemId, point.Document.Sequence).RunAsync(cancellationToken);

    /// <summary>Finds the places of the selected chunks; each counts once, however often it was selected.</summary>
    private async Task ResolveAsync(PointRow point, CancellationToken cancellationToken)
    {
        var missing = await FindPlacesAsync(point, cancellationToken);
        if (missing > 0 && await lost.FindAgainAsync(point.Document.VaultId, point.Document.MachineId, cancellationToken))
        {
            missing = await FindPlacesAsync(point, cancellationToken);
        }

        if (missing > 0)
        {
            throw Damaged(missing, "are not in the index of this recovery point");
        }
    }

    /// <returns>How many of the selected chunks have no place.</returns>
    private async Task<long> FindPlacesAsync(PointRow point, CancellationToken cancellationToken)
    {
        await connection.Bulk("truncate planned").RunAsync(cancellationToken);
        await connection.Bulk(
            $"insert into planned select distinct i.chunk, c.pack_id, c.pack_offset, c.length from wanted i {PointChunks.PlacesOfPoint}",
            point.Document.MachineId, point.ItemId, point.Document.Sequence).RunAsync(cancellationToken);
        await connection.Bulk("analyze planned").RunAsync(cancellationToken);
        await using var command = connection.Bulk("select count(distinct chunk) - (select count(*) from planned) from wanted");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>The plan's packs in its order, each blob there and long enough.</summary>
    private async Task<Guid[]> CheckedPacksAsync(PointRow point, CancellationToken cancellationToken)
    {
        var packs = new List<Guid>();
        var missing = 0L;
        await using (var command = connection.Bulk(
            "select pack_id, max(pack_offset + length), count(*) from planned group by pack_id order by pack_id"))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                packs.Add(reader.GetGuid(0));
                var name = BlobNames.Pack(point.Document.VaultId, point.Document.MachineId, packs[^1]);
                if (await blobs.GetLengthAsync(name, cancellationToken) is not { } length || length < reader.GetInt32(1))
                {
                    missing += reader.GetInt64(2);
                }
            }
        }

        if (missing == 0)
        {
            return [.. packs];
        }

        await lost.InspectAsync(point.Document.VaultId, point.Document.MachineId, cancellationToken);
        throw Damaged(missing, "lie in packs that are gone or cut off");
    }

    private async Task<RestorePlanHead> HeadAsync(PointRow point, Guid[] packs, CancellationToken cancellationToken)
    {
        await using var command = connection.Bulk("select count(*), sum(length)::bigint from planned");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new RestorePlanHead(point.Document.VaultId, point.Document.MachineId, packs, reader.GetInt64(0), reader.GetInt64(1));
    }

    private async Task<WrittenPlan> WritePlanAsync(Guid restoreJobId, RestorePlanHead head, CancellationToken cancellationToken)
    {
        var name = RestorePlan.BlobName(restoreJobId, Guid.CreateVersion7(clock.GetUtcNow()));
        await using var upload = await blobs.CreateAsync(name, cancellationToken);
        var writer = await RestorePlanWriter.CreateAsync(head, upload.WriteAsync, cancellationToken);
        await using var command = connection.Bulk(
            "select pack_id, pack_offset, length from planned order by pack_id, pack_offset");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var pack = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            // The database orders packs here as it did for the table.
            var packId = reader.GetGuid(0);
            while (head.Packs[pack] != packId)
            {
                pack++;
            }

            await writer.AppendAsync(new RestorePlanEntry(pack, reader.GetInt32(1), reader.GetInt32(2)), cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
        await upload.CommitAsync(cancellationToken);
        return new WrittenPlan(name, head);
    }

    private static RefusedException Unreadable(string detail) => new(new Refusal(
        ProblemCodes.Integrity, $"The restore job's selection of chunks {detail}; request the restore again."));

    private static RefusedException Damaged(long chunks, string detail) => new(new Refusal(
        ProblemCodes.Integrity, $"{chunks} of the selected chunks {detail}; verify the recovery point to see which files that hits, or restore from another one."));
}
