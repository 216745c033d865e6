using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Machines;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using Npgsql;

namespace BackupPlatform.IngestService.Backups;

internal static class ReadBackupJobsEndpoints
{
    public static void MapReadBackupJobs(this WebApplication app)
    {
        app.MapGet("/api/backup-jobs/{jobId:guid}", ReadAsync).Produces<BackupJobDocument>();
        app.MapGet("/api/machines/{machineId:guid}/jobs", ListOfMachineAsync).Produces<Page<BackupJobDocument>>();
        app.MapGet("/api/vaults/{vaultId:guid}/jobs", ListOfVaultAsync).Produces<Page<BackupJobDocument>>();
    }

    /// <summary>A job that the caller may see: the machine's own, or one of the operator's subscription.</summary>
    public static async Task<BackupJob?> FindAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        var caller = http.Caller();
        await using var session = store.QuerySession();
        return await session.LoadAsync<BackupJob>(jobId, http.RequestAborted) is { } job
            && (caller.IsMachine(job.MachineId) || caller.Operates(job.SubscriptionId))
            ? job
            : null;
    }

    private static async Task<IResult> ReadAsync(Guid jobId, HttpContext http, IDocumentStore store, NpgsqlDataSource database)
    {
        if (await FindAsync(store, http, jobId) is not { } job)
        {
            return Refusal.NotFound("backup job").ToResult();
        }

        var stored = await database.BytesOfJobsAsync([jobId], http.RequestAborted);
        var basePoint = http.Caller().IsMachine(job.MachineId)
            ? await database.BasePointAsync(job.ItemId, job.BaseSequence, http.RequestAborted)
            : null;
        return Results.Ok(job.ToDocument(stored.GetValueOrDefault(jobId), basePoint));
    }

    private static async Task<IResult> ListOfMachineAsync(
        Guid machineId, HttpContext http, MachineAccess access, JobLists lists, string? state, int? limit, string? after)
    {
        if (http.Caller() is Caller.Recovery)
        {
            return Refusal.Forbidden("Who recovers a machine reads its recovery points alone.").ToResult();
        }

        await access.MachineAsync(http, machineId);
        return await lists.PageAsync(jobs => jobs.Where(job => job.MachineId == machineId), state, limit, after, http.RequestAborted);
    }

    private static async Task<IResult> ListOfVaultAsync(
        Guid vaultId, HttpContext http, MachineAccess access, JobLists lists, string? state, int? limit, string? after)
    {
        await access.CheckVaultAsync(http, vaultId);
        return await lists.PageAsync(jobs => jobs.Where(job => job.VaultId == vaultId), state, limit, after, http.RequestAborted);
    }
}

/// <summary>Pages of backup jobs, newest first.</summary>
internal sealed class JobLists(IDocumentStore store, NpgsqlDataSource database)
{
    public async Task<IResult> PageAsync(
        Func<IQueryable<BackupJob>, IQueryable<BackupJob>> filter,
        string? state,
        int? limit,
        string? after,
        CancellationToken cancellationToken)
    {
        if (!Paging.TryRead(limit, after, out var paging, out var refusal))
        {
            return refusal.ToResult();
        }

        await using var session = store.QuerySession();
        var jobs = filter(session.Query<BackupJob>());
        if (state is not null)
        {
            if (!Enum.TryParse<BackupJobState>(state, ignoreCase: false, out var wanted) || !Enum.IsDefined(wanted))
            {
                return Refusal.Invalid("state", "'state' is Open, Sealed, Failed or Cancelled.").ToResult();
            }

            jobs = jobs.Where(job => job.State == wanted);
        }

        var page = await paging.PageAsync(jobs, job => job, cancellationToken, newestFirst: true);
        var stored = await database.BytesOfJobsAsync([.. page.Items.Select(job => job.Id)], cancellationToken);
        return Results.Ok(new Page<BackupJobDocument>(
            [.. page.Items.Select(job => job.ToDocument(stored.GetValueOrDefault(job.Id), basePoint: null))], page.Next));
    }
}
