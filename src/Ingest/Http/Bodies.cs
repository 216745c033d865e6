using BackupPlatform.Contracts;
using BackupPlatform.Formats;
using BackupPlatform.ServiceDefaults;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BackupPlatform.IngestService;

/// <summary>Bodies that are not JSON.</summary>
internal static class Bodies
{
    /// <summary>Bytes a second; slower lines than any that a backup makes sense on.</summary>
    private const double SlowestLine = 240;

    /// <summary>Bytes; no honest segment has more.</summary>
    private const long MostReadAway = 2L * SegmentFormat.MaxSegmentBytes;

    private static readonly TimeSpan SlowestLineGrace = TimeSpan.FromMinutes(1);

    /// <summary>Lets a body of chunks come over a slow line, and pause for as long as the agent tries to get through.</summary>
    public static void AllowSlowBody(this HttpContext http)
    {
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new MinDataRate(SlowestLine, SlowestLineGrace);
        }
    }

    /// <summary>
    /// Reads what is left of a body that is not wanted. A server that answers and closes while its client is still sending is
    /// heard of as a broken connection, and the answer is lost.
    /// </summary>
    public static async Task ReadAwayAsync(this HttpContext http)
    {
        for (var left = MostReadAway; left > 0;)
        {
            var read = await http.Request.BodyReader.ReadAsync(http.RequestAborted);
            left -= read.Buffer.Length;
            http.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Reads a body that is a bare run of chunk ids.</summary>
    /// <param name="most">How many ids it may have.</param>
    /// <exception cref="RefusedException">It is no run of whole ids, or of too many.</exception>
    public static async Task<ChunkId[]> ReadChunkIdsAsync(this HttpContext http, int most)
    {
        var bytes = new byte[(most * ChunkId.Size) + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, http.RequestAborted);
        if (length > most * ChunkId.Size || length % ChunkId.Size != 0)
        {
            throw new RefusedException(new Refusal(
                ProblemCodes.Invalid, $"The body is a run of at most {most} chunk ids of {ChunkId.Size} bytes each."));
        }

        var ids = new ChunkId[length / ChunkId.Size];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = new ChunkId(bytes.AsSpan(i * ChunkId.Size, ChunkId.Size));
        }

        return ids;
    }

    /// <summary>A bitmap with a bit for each id, least significant first, set where the id is missing.</summary>
    public static IResult MissingBitmap(ChunkId[] ids, Func<ChunkId, bool> isPresent)
    {
        var bitmap = new byte[(ids.Length + 7) / 8];
        for (var i = 0; i < ids.Length; i++)
        {
            if (!isPresent(ids[i]))
            {
                bitmap[i / 8] |= (byte)(1 << (i % 8));
            }
        }

        return Results.Bytes(bitmap, "application/octet-stream");
    }
}
