using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Policies;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RetentionService.Items;

/// <summary>Which item a recovery point is of, and whose; kept for good.</summary>
public sealed record KnownPoint(Guid Id, Guid ItemId, Guid SubscriptionId);

/// <summary>Operators delete recovery points, and take it back.</summary>
internal static class DeleteRecoveryPointEndpoints
{
    public static void MapDeleteRecoveryPoint(this WebApplication app)
    {
        app.MapDelete("/api/recovery-points/{pointId:guid}", DeleteAsync).Produces(StatusCodes.Status204NoContent);
        app.MapPost("/api/recovery-points/{pointId:guid}/undelete", UndeleteAsync).Produces(StatusCodes.Status204NoContent);
    }

    private static Task<IResult> DeleteAsync(Guid pointId, HttpContext http, IDocumentStore store, TimeProvider clock) =>
        DecideAsync(pointId, http, store, clock, ItemRetention.Delete);

    private static Task<IResult> UndeleteAsync(Guid pointId, HttpContext http, IDocumentStore store, TimeProvider clock) =>
        DecideAsync(pointId, http, store, clock, ItemRetention.Undelete);

    /// <remarks>A point that was just sealed may not be known yet and is waited for; so is, unseen, another tenant's.</remarks>
    private static async Task<IResult> DecideAsync(
        Guid pointId,
        HttpContext http,
        IDocumentStore store,
        TimeProvider clock,
        Func<ItemRetention?, Guid, RetentionPolicy, DateTimeOffset, Decision> decide)
    {
        var caller = http.CallingOperator();
        var point = await ReadModels.AwaitAsync(
            async () =>
            {
                await using var session = store.QuerySession();
                return await session.LoadAsync<KnownPoint>(pointId, http.RequestAborted) is { } known && caller.Operates(known.SubscriptionId)
                    ? known
                    : null;
            },
            clock,
            http.RequestAborted);
        if (point is null)
        {
            return Refusal.NotFound("recovery point").ToResult();
        }

        var decision = await store.DecideAsync<ItemRetention>(
            point.ItemId, state => decide(state, pointId, RetentionPolicy.BuiltIn, clock.GetUtcNow()), http.RequestAborted);
        return decision.Refusal?.ToResult() ?? Results.NoContent();
    }
}
