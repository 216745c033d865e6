using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Data;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.RecoveryPoints;

/// <summary>Small reads: catalogs, and a few files' chunks.</summary>
internal static class ReadPointChunksEndpoints
{
    public static void MapReadPointChunks(this WebApplication app)
    {
        app.MapPost("/api/recovery-points/{pointId:guid}/chunks", ReadAsync).Accepts<byte[]>(ChunkIdLists.MediaType);
        app.MapPost("/api/recovery-points/{pointId:guid}/chunks/missing", FindMissingAsync).Accepts<byte[]>(ChunkIdLists.MediaType);
    }

    private static async Task<IResult> ReadAsync(Guid pointId, HttpContext http, NpgsqlDataSource database, PresentChunks chunks, IBlobStore blobs)
    {
        var point = await database.ReadableAsync(http, pointId);
        var ids = await http.ReadChunkIdsAsync(ChunkIdLists.MaxRead);
        var places = await chunks.FindAsync(point, ids, http.RequestAborted);
        foreach (var id in ids)
        {
            if (!places.ContainsKey(id))
            {
                return new Refusal(
                    ProblemCodes.Integrity,
                    $"Chunk {id} is not there for recovery point {point.Id:D}; verify the recovery point, or restore from another one.").ToResult();
            }
        }

        return new FramesResult(point, [.. ids.Select(id => places[id])], blobs);
    }

    private static async Task<IResult> FindMissingAsync(
        Guid pointId, HttpContext http, NpgsqlDataSource database, PresentChunks chunks)
    {
        var point = await database.ReadableAsync(http, pointId);
        var ids = await http.ReadChunkIdsAsync(ChunkIdLists.MaxQuestion);
        var places = await chunks.FindAsync(point, ids, http.RequestAborted);
        return Bodies.MissingBitmap(ids, places.ContainsKey);
    }

    /// <summary>Frames in the order asked; those that adjoin in a pack are read in one go.</summary>
    private sealed class FramesResult(PointRow point, IReadOnlyList<ChunkPlace> places, IBlobStore blobs) : IResult
    {
        private const int BufferSize = 256 * 1024;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = ChunkIdLists.FramesMediaType;
            httpContext.Response.ContentLength = places.Sum(place => (long)place.Length);
            for (var first = 0; first < places.Count;)
            {
                var next = first + 1;
                while (next < places.Count && places[next].PackId == places[first].PackId && places[next].Offset == places[next - 1].End)
                {
                    next++;
                }

                if (!await CopyAsync(places[first], places[next - 1].End - places[first].Offset, httpContext))
                {
                    // The answer has begun: only a broken transfer can still say that it is not whole.
                    httpContext.Abort();
                    return;
                }

                first = next;
            }
        }

        private async Task<bool> CopyAsync(ChunkPlace from, long length, HttpContext http)
        {
            var name = BlobNames.Pack(point.Document.VaultId, point.Document.MachineId, from.PackId);
            await using var stream = await blobs.OpenReadAsync(name, from.Offset, length, http.RequestAborted);
            if (stream is null)
            {
                return false;
            }

            var copied = 0L;
            while (copied < length)
            {
                var memory = http.Response.BodyWriter.GetMemory((int)Math.Min(BufferSize, length - copied));
                var read = await stream.ReadAsync(memory[..(int)Math.Min(memory.Length, length - copied)], http.RequestAborted);
                if (read == 0)
                {
                    return false;
                }

                http.Response.BodyWriter.Advance(read);
                await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
                copied += read;
            }

            return true;
        }
    }
}
