using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.ServiceDefaults;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace BackupPlatform.IngestService.Segments;

/// <summary>Takes a segment in while it comes: what is answered is durable and indexed.</summary>
internal static class PutSegmentEndpoint
{
    public static void MapPutSegment(this WebApplication app) =>
        app.MapPut("/api/backup-jobs/{jobId:guid}/segments/{segment:int:min(1)}", HandleAsync)
            .WithMetadata(new DisableRequestSizeLimitAttribute())
            .Accepts<byte[]>(ChunkIdLists.FramesMediaType)
            .Produces<SegmentReceipt>();

    private static async Task<IResult> HandleAsync(
        Guid jobId, int segment, HttpContext http, NpgsqlDataSource database, SegmentIntake intake, TimeProvider clock)
    {
        var job = await database.OfCallerAsync(http, jobId, clock);
        if (http.Request.ContentLength > SegmentFormat.MaxSegmentBytes)
        {
            return TooLong.ToResult();
        }

        http.AllowSlowBody();
        if (await database.FindReceiptAsync(jobId, segment, http.RequestAborted) is { } first)
        {
            // Read to the end, so that the connection can go on.
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
            return Results.Ok(first);
        }

        return job.Open
            ? Answer(await intake.StoreAsync(job, segment, http.Request.BodyReader, http.RequestAborted))
            : BackupJob.Ended.ToResult();
    }

    private static Refusal TooLong { get; } = new(
        ProblemCodes.Invalid, $"A segment has at most {SegmentFormat.MaxSegmentBytes} bytes; send the chunks in smaller ones.");

    private static IResult Answer((SegmentReceipt? Receipt, Refusal? Refusal) outcome) =>
        outcome.Refusal is { } refusal ? refusal.ToResult() : Results.Ok(outcome.Receipt);
}
