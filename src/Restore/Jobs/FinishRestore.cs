using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

internal static class FinishRestoreEndpoint
{
    private const int MaxReason = 1_000;

    public static void MapFinishRestore(this WebApplication app) =>
        app.MapPost("/api/restore-jobs/{jobId:guid}/completion", HandleAsync).Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> HandleAsync(
        Guid jobId, FinishRestore request, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        if (await RestoreJobs.FindOwnAsync(store, http, jobId) is null)
        {
            return Refusal.NotFound("restore job").ToResult();
        }

        if (request.Reason?.Length > MaxReason)
        {
            return Refusal.Invalid("reason", $"'reason' has at most {MaxReason} characters.").ToResult();
        }

        var decision = await store.DecideAsync<RestoreJob>(
            jobId, state => RestoreJob.Finish(state, request.Succeeded, request.Reason, clock.GetUtcNow()), http.RequestAborted);
        return decision.Refusal?.ToResult() ?? Results.NoContent();
    }
}
