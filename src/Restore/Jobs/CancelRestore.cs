using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

internal static class CancelRestoreEndpoint
{
    public static void MapCancelRestore(this WebApplication app) =>
        app.MapDelete("/api/restore-jobs/{jobId:guid}", HandleAsync).Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> HandleAsync(Guid jobId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        if (await RestoreJobs.FindAsync(store, http, jobId) is null)
        {
            return Refusal.NotFound("restore job").ToResult();
        }

        var by = http.Caller() is IPointReader ? "its machine" : "an operator";
        var decision = await store.DecideAsync<RestoreJob>(
            jobId, state => RestoreJob.Cancel(state, by, clock.GetUtcNow()), http.RequestAborted);
        return decision.Refusal?.ToResult() ?? Results.NoContent();
    }
}
