using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Http;
using BackupPlatform.RestoreService.Tenants;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

internal static class ReadRestoreJobsEndpoints
{
    public static void MapReadRestoreJobs(this WebApplication app)
    {
        app.MapGet("/api/restore-jobs/{jobId:guid}", ReadAsync).Produces<RestoreJobDocument>();
        app.MapGet("/api/machines/{machineId:guid}/restore-jobs", ListOfMachineAsync).Produces<Page<RestoreJobDocument>>();
        app.MapGet("/api/vaults/{vaultId:guid}/restore-jobs", ListOfVaultAsync).Produces<Page<RestoreJobDocument>>();
    }

    /// <remarks>A machine that asks for its job wants it: the job lives on. An operator who looks changes nothing.</remarks>
    private static async Task<IResult> ReadAsync(Guid jobId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        if (await RestoreJobs.FindAsync(store, http, jobId) is not { } job)
        {
            return Refusal.NotFound("restore job").ToResult();
        }

        var now = clock.GetUtcNow();
        if (http.Caller().Reads(job.MachineId) && RestoreJob.Touch(job, now).Events.Count > 0)
        {
            await store.DecideAsync<RestoreJob>(jobId, state => RestoreJob.Touch(state, now), http.RequestAborted);
        }

        return Results.Ok(job.ToDocument());
    }

    private static async Task<IResult> ListOfMachineAsync(
        Guid machineId, HttpContext http, IDocumentStore store, TimeProvider clock, int? limit, string? after)
    {
        var caller = http.Caller();
        if (!caller.Reads(machineId)
            && await store.AwaitOperatedAsync<KnownMachine>(machineId, caller, clock, http.RequestAborted) is null)
        {
            return Refusal.NotFound("machine").ToResult();
        }

        await using var session = store.QuerySession();
        return await PageAsync(session.Query<RestoreJob>().Where(job => job.MachineId == machineId), limit, after, http.RequestAborted);
    }

    private static async Task<IResult> ListOfVaultAsync(
        Guid vaultId, HttpContext http, IDocumentStore store, TimeProvider clock, int? limit, string? after)
    {
        var caller = http.CallingOperator();
        if (await store.AwaitOperatedAsync<KnownVault>(vaultId, caller, clock, http.RequestAborted) is not { Deleted: false })
        {
            return Refusal.NotFound("vault").ToResult();
        }

        await using var session = store.QuerySession();
        return await PageAsync(session.Query<RestoreJob>().Where(job => job.VaultId == vaultId), limit, after, http.RequestAborted);
    }

    private static async Task<IResult> PageAsync(
        IQueryable<RestoreJob> jobs, int? limit, string? after, CancellationToken cancellationToken) =>
        Paging.TryRead(limit, after, out var paging, out var refusal)
            ? Results.Ok(await paging.PageAsync(jobs, job => job.ToDocument(), cancellationToken, newestFirst: true))
            : refusal.ToResult();
}
