using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>Finds the jobs that a caller may touch; all others do not exist for it.</summary>
internal static class RestoreJobs
{
    /// <summary>A job of the calling machine, or of the one that the caller recovers.</summary>
    /// <exception cref="ServiceDefaults.RefusedException">The caller is neither.</exception>
    public static async Task<RestoreJob?> FindOwnAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        var reader = http.CallingReader();
        return await LoadAsync(store, http, jobId) is { } job && job.MachineId == reader.MachineId ? job : null;
    }

    /// <summary>A job of the calling machine, of the one that the caller recovers, or of the subscription of the calling operator.</summary>
    public static async Task<RestoreJob?> FindAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        var caller = http.Caller();
        return await LoadAsync(store, http, jobId) is { } job
            && (caller.Reads(job.MachineId) || caller.Operates(job.SubscriptionId)) ? job : null;
    }

    private static async Task<RestoreJob?> LoadAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<RestoreJob>(jobId, http.RequestAborted);
    }
}
