using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.ServiceDefaults;
using Marten;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace BackupPlatform.IngestService.Sealing;

internal static class SealBackupEndpoint
{
    public static void MapSealBackup(this WebApplication app) =>
        app.MapPost("/api/backup-jobs/{jobId:guid}/seal", HandleAsync)
            .WithMetadata(new DisableRequestSizeLimitAttribute())
            .Accepts<byte[]>(ChunkIdLists.SealMediaType)
            .Produces<RecoveryPointDocument>(StatusCodes.Status201Created)
            .Produces<RecoveryPointDocument>();

    private static async Task<IResult> HandleAsync(
        Guid jobId, HttpContext http, IDocumentStore store, NpgsqlDataSource database, SealBackups backups, TimeProvider clock)
    {
        await database.OfCallerAsync(http, jobId, clock);
        await using var session = store.QuerySession();
        if (await session.LoadAsync<BackupJob>(jobId, http.RequestAborted) is not { } job)
        {
            return Refusal.NotFound("backup job").ToResult();
        }

        http.AllowSlowBody();
        if (job.State != BackupJobState.Open)
        {
            await http.ReadAwayAsync();
            return job.RecoveryPointId is { } sealedBefore
                ? Results.Ok((await database.FindPointAsync(sealedBefore, http.RequestAborted))!.Document)
                : BackupJob.NotOpen(job.State, job.Reason).ToResult();
        }

        var outcome = await backups.SealAsync(job, http.Request.Body, http.RequestAborted);
        await http.ReadAwayAsync();
        return outcome switch
        {
            { Refusal: { } refusal } => refusal.ToResult(),
            { MissingIds: { } ids } => new MissingChunksResult(ids),
            { PointId: var pointId } => Results.Created(
                $"/api/recovery-points/{pointId:D}", (await database.FindPointAsync(pointId!.Value, http.RequestAborted))!.Document),
        };
    }

    /// <summary>No problem document: the agent sends these chunks and seals again.</summary>
    private sealed class MissingChunksResult(byte[] ids) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status409Conflict;
            httpContext.Response.ContentType = ChunkIdLists.MediaType;
            httpContext.Response.ContentLength = ids.Length;
            await httpContext.Response.Body.WriteAsync(ids, httpContext.RequestAborted);
        }
    }
}
