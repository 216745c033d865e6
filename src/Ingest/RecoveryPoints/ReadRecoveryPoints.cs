using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Items;
using BackupPlatform.IngestService.Machines;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Npgsql;

namespace BackupPlatform.IngestService.RecoveryPoints;

internal static class ReadRecoveryPointsEndpoints
{
    public static void MapReadRecoveryPoints(this WebApplication app)
    {
        app.MapGet("/api/recovery-points/{pointId:guid}", ReadAsync).Produces<RecoveryPointDocument>();
        app.MapGet("/api/recovery-points/{pointId:guid}/manifest", ReadManifestAsync)
            .Produces<byte[]>(contentType: "application/octet-stream");
        app.MapGet("/api/machines/{machineId:guid}/recovery-points", ListAsync).Produces<Page<RecoveryPointDocument>>();
    }

    /// <summary>A recovery point that the calling machine, or who recovers it, may read the data of.</summary>
    /// <exception cref="RefusedException">There is none, it is another machine's, or it has expired or was deleted.</exception>
    public static async Task<PointRow> ReadableAsync(this NpgsqlDataSource database, HttpContext http, Guid pointId)
    {
        var reader = http.CallingReader();
        return await database.FindPointAsync(pointId, http.RequestAborted) switch
        {
            { } point when point.Document.MachineId != reader.MachineId => throw new RefusedException(Refusal.NotFound("recovery point")),
            null => throw new RefusedException(Refusal.NotFound("recovery point")),
            { Unreadable: { } refusal } => throw new RefusedException(refusal),
            var point => point,
        };
    }

    private static async Task<IResult> ReadAsync(Guid pointId, HttpContext http, NpgsqlDataSource database)
    {
        var caller = http.Caller();
        return await database.FindPointAsync(pointId, http.RequestAborted) is { } point
            && (caller.Reads(point.Document.MachineId) || caller.Operates(point.SubscriptionId))
            ? Results.Ok(point.Document)
            : Refusal.NotFound("recovery point").ToResult();
    }

    private static async Task<IResult> ReadManifestAsync(Guid pointId, HttpContext http, NpgsqlDataSource database)
    {
        var point = await database.ReadableAsync(http, pointId);
        return Results.Bytes((await database.ManifestAsync(point.Id, http.RequestAborted))!, "application/octet-stream");
    }

    private static async Task<IResult> ListAsync(
        Guid machineId, HttpContext http, MachineAccess access, NpgsqlDataSource database, string? item, int? limit, string? after)
    {
        await access.MachineAsync(http, machineId);
        if (item is not null && ItemId.Check(item) is { } invalid)
        {
            return invalid.ToResult();
        }

        if (!Paging.TryRead(limit, after, out var paging, out var refusal))
        {
            return refusal.ToResult();
        }

        var points = await database.ListPointsAsync(machineId, item, paging, http.RequestAborted);
        var page = points.Take(paging.Limit).Select(point => point.Document).ToList();
        return Results.Ok(new Page<RecoveryPointDocument>(page, points.Count > paging.Limit ? Paging.Cursor(page[^1].Id) : null));
    }
}
