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
        http.AllowSlowBody();
        var (receipt, refusal) = http.Request.ContentLength > SegmentFormat.MaxSegmentBytes
            ? (null, TooLong)
            : (await database.FindReceiptAsync(jobId, segment, http.RequestAborted), job.Open ? null : BackupJob.Ended);
        if (receipt is null && refusal is null)
        {
            (receipt, refusal) = await intake.StoreAsync(job, segment, http.Request.BodyReader, http.RequestAborted);
        }

        await http.ReadAwayAsync();
        return receipt is not null ? Results.Ok(receipt) : refusal!.ToResult();
    }

    private static Refusal TooLong { get; } = new(
        ProblemCodes.Invalid, $"A segment has at most {SegmentFormat.MaxSegmentBytes} bytes; send the chunks in smaller ones.");
}
