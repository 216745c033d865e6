using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.VaultService.Vaults;

internal static class ReadVaultsEndpoints
{
    public static void MapReadVaults(this WebApplication app)
    {
        app.MapGet("/api/subscriptions/{subscriptionId:guid}/vaults", ListAsync).Produces<Page<VaultDocument>>();
        app.MapGet("/api/vaults/{vaultId:guid}", ReadAsync).Produces<VaultDocument>();
    }

    /// <summary>A vault that this operator may see; a deleted one is none.</summary>
    public static async Task<Vault?> FindAsync(IDocumentStore store, HttpContext http, Guid vaultId)
    {
        var caller = http.CallingOperator();
        await using var session = store.QuerySession();
        return await session.LoadAsync<Vault>(vaultId, http.RequestAborted) is { DeletedAt: null } vault
            && caller.Operates(vault.SubscriptionId)
            ? vault
            : null;
    }

    private static async Task<IResult> ListAsync(
        Guid subscriptionId, HttpContext http, IDocumentStore store, int? limit, string? after)
    {
        var caller = http.CallingOperator();
        await using var session = store.QuerySession();
        if (!caller.Operates(subscriptionId)
            || await session.LoadAsync<Subscriptions.Subscription>(subscriptionId, http.RequestAborted) is null)
        {
            return Refusal.NotFound("subscription").ToResult();
        }

        return Paging.TryRead(limit, after, out var paging, out var refusal)
            ? Results.Ok(await paging.PageAsync(
                session.Query<Vault>().Where(vault => vault.SubscriptionId == subscriptionId && vault.DeletedAt == null),
                vault => vault.ToDocument(),
                http.RequestAborted))
            : refusal.ToResult();
    }

    private static async Task<IResult> ReadAsync(Guid vaultId, HttpContext http, IDocumentStore store) =>
        await FindAsync(store, http, vaultId) is { } vault ? Results.Ok(vault.ToDocument()) : Refusal.NotFound("vault").ToResult();
}
