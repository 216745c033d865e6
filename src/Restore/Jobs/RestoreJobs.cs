using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>Finds the jobs that a caller may touch; all others do not exist for it.</summary>
internal static class RestoreJobs
{
    /// <summary>A job of the calling machine.</summary>
    /// <exception cref="ServiceDefaults.RefusedException">It is no machine that calls.</exception>
    public static async Task<RestoreJob?> FindOwnAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        var machine = http.CallingMachine();
        return await LoadAsync(store, http, jobId) is { } job && job.MachineId == machine.MachineId ? job : null;
    }

    /// <summary>A job of the calling machine, or of the subscription of the calling operator.</summary>
    public static async Task<RestoreJob?> FindAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        var caller = http.Caller();
        return await LoadAsync(store, http, jobId) is { } job
            && (caller.IsMachine(job.MachineId) || caller.Operates(job.SubscriptionId)) ? job : null;
    }

    private static async Task<RestoreJob?> LoadAsync(IDocumentStore store, HttpContext http, Guid jobId)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<RestoreJob>(jobId, http.RequestAborted);
    }
}
