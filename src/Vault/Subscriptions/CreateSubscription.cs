using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.VaultService.Subscriptions;

internal static class CreateSubscriptionEndpoint
{
    public static void MapCreateSubscription(this WebApplication app) =>
        app.MapPost("/api/subscriptions", HandleAsync).Produces<SubscriptionCreatedDocument>(StatusCodes.Status201Created);

    private static async Task<IResult> HandleAsync(
        CreateSubscription request, HttpContext http, IDocumentStore store, TokenSigner signer, TimeProvider clock)
    {
        if (http.CallingOperator() is not Caller.PlatformOperator)
        {
            return Refusal.Forbidden("Only the platform's operator makes subscriptions.").ToResult();
        }

        if (Names.Check(request.Name) is { } invalid)
        {
            return invalid.ToResult();
        }

        var now = clock.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        await store.DecideAsync<Subscription>(
            id, _ => Decision.Append(new SubscriptionCreated(id, request.Name!, now)), http.RequestAborted);
        var claims = new Dictionary<string, object> { [TokenKinds.Subscription] = id.ToString("D") };
        var token = signer.Sign(TokenKinds.ApiAudience, claims, expires: null);
        return Results.Created($"/api/subscriptions/{id:D}", new SubscriptionCreatedDocument(id, request.Name!, token));
    }
}
