using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RestoreService.Points;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

internal static class RequestRestoreEndpoint
{
    public static void MapRequestRestore(this WebApplication app) =>
        app.MapPost("/api/restore-jobs", HandleAsync).Produces<RestoreJobDocument>(StatusCodes.Status201Created);

    private static async Task<IResult> HandleAsync(RequestRestore request, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        var machine = http.CallingReader();
        if (machine is Caller.Recovery recovery && recovery.CredentialsExpireAt <= clock.GetUtcNow())
        {
            return new Refusal(
                ProblemCodes.CredentialsExpired,
                "The vault credentials of this recovery have expired; what was begun goes on, for more download fresh ones.").ToResult();
        }

        if (await FindPointAsync(request.RecoveryPointId, machine, store, clock, http.RequestAborted) is not { } point)
        {
            return Refusal.NotFound("recovery point").ToResult();
        }

        if (point.Expired)
        {
            return new Refusal(
                ProblemCodes.Conflict, "The retention of this recovery point has ended; choose a later recovery point.").ToResult();
        }

        var now = clock.GetUtcNow();
        var requested = new JobRequested(
            Guid.CreateVersion7(now), machine.SubscriptionId, machine.VaultId, machine.MachineId, point.Id, now);
        await store.DecideAsync<RestoreJob>(requested.JobId, _ => Decision.Append(requested), http.RequestAborted);
        return Results.Created($"/api/restore-jobs/{requested.JobId:D}", RestoreJob.Fold(null, requested).ToDocument());
    }

    /// <summary>
    /// A point of this machine. One that was just sealed may not be known yet and is waited for; so is, unseen, one of another
    /// machine, so that not even the time tells it from one that does not exist.
    /// </summary>
    private static async Task<RestorablePoint?> FindPointAsync(
        Guid pointId, IPointReader machine, IDocumentStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<RestorablePoint>(pointId, cancellationToken) is { } point
                && point.MachineId == machine.MachineId ? point : null,
            clock,
            cancellationToken);
    }
}
