using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.VaultService.Vaults;
using Marten;

namespace BackupPlatform.VaultService.Credentials;

internal static class RevokeCredentialsEndpoint
{
    public static void MapRevokeCredentials(this WebApplication app) =>
        app.MapDelete("/api/vaults/{vaultId:guid}/credentials/{credentialsId:guid}", HandleAsync).Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> HandleAsync(
        Guid vaultId, Guid credentialsId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        if (await ReadVaultsEndpoints.FindAsync(store, http, vaultId) is null)
        {
            return Refusal.NotFound("vault").ToResult();
        }

        var decision = await store.CommitAsync(
            async session =>
            {
                // First the version that the append relies on, then what it is decided on.
                var stream = await session.Events.FetchForWriting<Vault>(vaultId, http.RequestAborted);
                var files = await IssuedFile.OfVaultAsync(session, vaultId, http.RequestAborted);
                var revoked = Revoke(files, stream.Aggregate!, credentialsId, clock.GetUtcNow());
                if (revoked.Events.Count > 0)
                {
                    stream.AppendMany(revoked.Events);
                }

                return revoked;
            },
            http.RequestAborted);
        return decision.Refusal?.ToResult() ?? Results.NoContent();
    }

    /// <summary>Credentials of the vault are revoked, once.</summary>
    internal static Decision Revoke(IReadOnlyList<IssuedFile> files, Vault vault, Guid credentialsId, DateTimeOffset now) =>
        files.FirstOrDefault(file => file.Issued.CredentialsId == credentialsId) switch
        {
            null => Refusal.NotFound("vault credentials"),
            { RevokedAt: not null } => Decision.Nothing,
            _ => Decision.Append(new CredentialsRevoked(vault.Id, vault.SubscriptionId, credentialsId, now)),
        };
}
