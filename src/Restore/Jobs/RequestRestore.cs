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
        var caller = http.Caller();
        if (caller is Caller.Recovery recovery && recovery.CredentialsExpireAt <= clock.GetUtcNow())
        {
            return new Refusal(
                ProblemCodes.CredentialsExpired,
                "The vault credentials of this recovery have expired; what was begun goes on, for more download fresh ones.").ToResult();
        }

        if (await FindPointAsync(request.RecoveryPointId, caller, store, clock, http.RequestAborted) is not { } point)
        {
            return Refusal.NotFound("recovery point").ToResult();
        }

        if (point.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        var now = clock.GetUtcNow();
        var requested = new JobRequested(
            Guid.CreateVersion7(now), point.SubscriptionId!.Value, point.VaultId!.Value, point.MachineId, point.Id, now);
        // An agent says which chunks it needs; an operator, who sees none, has all of them planned, for the machine to stream.
        object[] facts = caller is Caller.PlatformOperator or Caller.SubscriptionOperator
            ? [requested, WholePointSelected.For(requested)]
            : [requested];
        await store.DecideAsync<RestoreJob>(requested.JobId, _ => Decision.Append(facts), http.RequestAborted);
        return Results.Created($"/api/restore-jobs/{requested.JobId:D}", facts.Aggregate((RestoreJob?)null, RestoreJob.Fold)!.ToDocument());
    }

    /// <summary>
    /// A point of the machine that calls or is recovered, or of the calling operator's subscription. One that was just sealed may not be known yet and is
    /// waited for; so is, unseen, one of another machine, so that not even the time tells it from one that does not exist.
    /// </summary>
    private static async Task<RestorablePoint?> FindPointAsync(
        Guid pointId, Caller caller, IDocumentStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await ReadModels.AwaitAsync(
            async () => await session.LoadAsync<RestorablePoint>(pointId, cancellationToken) is { SubscriptionId: { } subscription } point
                && (caller.Reads(point.MachineId) || caller.Operates(subscription)) ? point : null,
            clock,
            cancellationToken);
    }
}
