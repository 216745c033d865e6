using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Npgsql;
using NpgsqlTypes;

namespace BackupPlatform.IngestService.Restores;

/// <summary>Finds, checks and pins the chunks of a restore job and writes its plan.</summary>
/// <remarks>
/// All under the job's lock and in one transaction with the lease, whose tables hold the selection: memory does not grow with
/// it, except by a few bytes for each pack.
/// </remarks>
internal sealed class RestorePlanning(
    NpgsqlDataSource database, ExclusiveCommands commands, IBlobStore blobs, TimeProvider clock)
{
    /// <summary>Plans once; the first answer counts.</summary>
    public async Task PlanAsync(RestoreRequested request, CancellationToken cancellationToken) =>
        await commands.RunAsync(
            request.StreamId,
            async transaction =>
            {
                if (await transaction.Session.LoadAsync<RestoreLease>(request.StreamId, cancellationToken) is not null)
                {
                    return Decision.Nothing;
                }

                var answer = await AnswerAsync(transaction.Connection, request, cancellationToken);
                return await transaction.Session.DecideAsync<RestoreLease>(
                    request.StreamId, state => RestoreLease.Answer(state, answer), cancellationToken);
            },
            cancellationToken);

    private async Task<object> AnswerAsync(
        NpgsqlConnection connection, RestoreRequested request, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        try
        {
            var point = await PointAsync(request, cancellationToken);
            await LoadSelectionAsync(connection, request.SelectionBlob, cancellationToken);
            await ResolveAsync(connection, point, cancellationToken);
            var packs = await CheckedPacksAsync(connection, point, cancellationToken);
            var head = await HeadAsync(connection, point, packs, cancellationToken);
            var planBlob = await WritePlanAsync(connection, request.StreamId, head, cancellationToken);
            await connection.Bulk(
                "insert into bulk.lease_packs (lease_id, pack_id) select $1, unnest($2) on conflict do nothing",
                request.StreamId, packs).RunAsync(cancellationToken);
            return new RestoreLeaseGranted(request.StreamId, point.Id, planBlob, head.EntryCount, head.FrameBytes, now);
        }
        catch (RefusedException e)
        {
            return new RestoreLeaseRefused(request.StreamId, e.Refusal.Code, e.Refusal.Detail, now);
        }
    }

    private async Task<PointRow> PointAsync(RestoreRequested request, CancellationToken cancellationToken) =>
        await database.FindPointAsync(request.RecoveryPointId, cancellationToken) switch
        {
            { } point when point.Document.MachineId != request.MachineId => throw new RefusedException(Refusal.NotFound("recovery point")),
            null => throw new RefusedException(Refusal.NotFound("recovery point")),
            { Expired: true } => throw new RefusedException(ReadRecoveryPointsEndpoints.Expired),
            var point => point,
        };

    private async Task LoadSelectionAsync(NpgsqlConnection connection, string selection, CancellationToken cancellationToken)
    {
        // Refused before the copy begins: one that breaks off ends the transaction with it.
        switch (await blobs.GetLengthAsync(selection, cancellationToken))
        {
            case null:
                throw Unreadable("is not there");
            case 0:
                throw Unreadable("names no chunk");
            case { } length when length % ChunkId.Size != 0:
                throw Unreadable("ends inside a chunk id");
        }

        await connection.Bulk("create temporary table wanted (chunk bytea not null) on commit drop").RunAsync(cancellationToken);
        await using var stream = await blobs.OpenReadAsync(selection, cancellationToken)
            ?? throw new StoreUnavailableException($"The blob {selection} has just gone.");
        await CopyIdsAsync(connection, stream, cancellationToken);
        await connection.Bulk("analyze wanted").RunAsync(cancellationToken);
    }

    private static async Task CopyIdsAsync(NpgsqlConnection connection, Stream ids, CancellationToken cancellationToken)
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

    /// <summary>Finds the places of the selected chunks; each counts once, however often it was selected.</summary>
    private static async Task ResolveAsync(NpgsqlConnection connection, PointRow point, CancellationToken cancellationToken)
    {
        await connection.Bulk(
            "create temporary table planned (chunk bytea not null, pack_id uuid not null, pack_offset int not null, length int not null) on commit drop").RunAsync(cancellationToken);
        await connection.Bulk(
            $"insert into planned select distinct i.chunk, c.pack_id, c.pack_offset, c.length from wanted i {PointChunks.PlacesOfPoint}",
            point.Document.MachineId, point.ItemId, point.Document.Sequence).RunAsync(cancellationToken);
        await connection.Bulk("analyze planned").RunAsync(cancellationToken);
        await using var command = connection.Bulk(
            "select count(distinct chunk) - (select count(*) from planned) from wanted");
        if (await command.ExecuteScalarAsync(cancellationToken) is long and > 0L and var missing)
        {
            throw Damaged(missing, "are not in the index of this recovery point");
        }
    }

    /// <summary>The plan's packs in its order, each blob there and long enough.</summary>
    private async Task<Guid[]> CheckedPacksAsync(NpgsqlConnection connection, PointRow point, CancellationToken cancellationToken)
    {
        var packs = new List<Guid>();
        var missing = 0L;
        await using var command = connection.Bulk(
            "select pack_id, max(pack_offset + length), count(*) from planned group by pack_id order by pack_id");
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

        return missing == 0 ? [.. packs] : throw Damaged(missing, "lie in packs that are gone or cut off");
    }

    private static async Task<RestorePlanHead> HeadAsync(
        NpgsqlConnection connection, PointRow point, Guid[] packs, CancellationToken cancellationToken)
    {
        await using var command = connection.Bulk("select count(*), sum(length)::bigint from planned");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new RestorePlanHead(point.Document.VaultId, point.Document.MachineId, packs, reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <remarks>
    /// A plan that is there already is of an attempt that never came to a lease, as this job has none and its lock is held:
    /// nobody reads it.
    /// </remarks>
    private async Task<string> WritePlanAsync(
        NpgsqlConnection connection, Guid restoreJobId, RestorePlanHead head, CancellationToken cancellationToken)
    {
        var name = RestorePlan.BlobName(restoreJobId);
        await blobs.DeleteAsync(name, cancellationToken);
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
        return name;
    }

    private static RefusedException Unreadable(string detail) => new(new Refusal(
        ProblemCodes.Integrity, $"The restore job's selection of chunks {detail}; request the restore again."));

    private static RefusedException Damaged(long chunks, string detail) => new(new Refusal(
        ProblemCodes.Integrity, $"{chunks} of the selected chunks {detail}; verify the recovery point to see which files that hits, or restore from another one."));
}
