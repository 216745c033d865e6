using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using Npgsql;

namespace BackupPlatform.IngestService.Chunks;

/// <summary>Which chunks a machine still has to send.</summary>
internal static class MissingChunksEndpoint
{
    public static void MapMissingChunks(this WebApplication app) =>
        app.MapPost("/api/backup-jobs/{jobId:guid}/chunks/missing", HandleAsync).Accepts<byte[]>(ChunkIdLists.MediaType);

    private static async Task<IResult> HandleAsync(
        Guid jobId, HttpContext http, NpgsqlDataSource database, TimeProvider clock)
    {
        var job = await database.OfCallerAsync(http, jobId, clock);
        if (!job.Open)
        {
            return BackupJob.Ended.ToResult();
        }

        var ids = await http.ReadChunkIdsAsync(ChunkIdLists.MaxQuestion);
        var present = await PresentAsync(database, job.MachineId, ids, http.RequestAborted);
        return Bodies.MissingBitmap(ids, present.Contains);
    }

    /// <summary>Which of these the machine has, durable and indexed.</summary>
    private static async Task<HashSet<ChunkId>> PresentAsync(
        NpgsqlDataSource database, Guid machineId, ChunkId[] ids, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            """
            select c.chunk from bulk.chunk_index c join bulk.packs p on p.id = c.pack_id and p.state = 1
            where c.machine_id = $1 and c.chunk = any($2)
            """,
            machineId, Array.ConvertAll(ids, id => id.ToByteArray()));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var present = new HashSet<ChunkId>(ids.Length);
        while (await reader.ReadAsync(cancellationToken))
        {
            present.Add(new ChunkId(reader.GetFieldValue<byte[]>(0)));
        }

        return present;
    }
}
