using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Http;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.VaultService.Vaults;
using Marten;

namespace BackupPlatform.VaultService.Credentials;

internal static class ListCredentialsEndpoint
{
    public static void MapListCredentials(this WebApplication app) =>
        app.MapGet("/api/vaults/{vaultId:guid}/credentials", HandleAsync).Produces<Page<CredentialsDocument>>();

    /// <remarks>Newest first.</remarks>
    private static async Task<IResult> HandleAsync(Guid vaultId, HttpContext http, IDocumentStore store, int? limit, string? after)
    {
        if (await ReadVaultsEndpoints.FindAsync(store, http, vaultId) is null)
        {
            return Refusal.NotFound("vault").ToResult();
        }

        if (!Paging.TryRead(limit, after, out var paging, out var refusal))
        {
            return refusal.ToResult();
        }

        await using var session = store.QuerySession();
        var files = (await IssuedFile.OfVaultAsync(session, vaultId, http.RequestAborted))
            .Select(file => file.ToDocument())
            .OrderByDescending(file => file.Id)
            .Where(file => paging.After is not { } last || file.Id.CompareTo(last) < 0)
            .Take(paging.Limit + 1)
            .ToList();
        var page = files.Take(paging.Limit).ToList();
        return Results.Ok(new Page<CredentialsDocument>(page, files.Count > paging.Limit ? Paging.Cursor(page[^1].Id) : null));
    }
}
