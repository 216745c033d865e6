using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.VaultService.Subscriptions;

internal static class ListSubscriptionsEndpoint
{
    public static void MapListSubscriptions(this WebApplication app) =>
        app.MapGet("/api/subscriptions", HandleAsync).Produces<Page<SubscriptionDocument>>();

    private static async Task<IResult> HandleAsync(HttpContext http, IDocumentStore store, int? limit, string? after)
    {
        var caller = http.CallingOperator();
        if (!Paging.TryRead(limit, after, out var paging, out var refusal))
        {
            return refusal.ToResult();
        }

        await using var session = store.QuerySession();
        IQueryable<Subscription> mine = session.Query<Subscription>();
        if (caller is Caller.SubscriptionOperator one)
        {
            mine = mine.Where(subscription => subscription.Id == one.SubscriptionId);
        }

        return Results.Ok(await paging.PageAsync(
            mine, subscription => new SubscriptionDocument(subscription.Id, subscription.Name, subscription.CreatedAt), http.RequestAborted));
    }
}
