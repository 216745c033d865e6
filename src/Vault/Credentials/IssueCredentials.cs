using System.Text;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.VaultService.Vaults;
using Marten;
using Microsoft.Extensions.Options;

namespace BackupPlatform.VaultService.Credentials;

/// <summary>Where agents find the registration service.</summary>
internal sealed class AgentAddress
{
    public const string Section = "AgentEndpoints";

    public IReadOnlyList<Uri> Registration { get; set; } = [];
}

internal static class IssueCredentialsEndpoint
{
    public static void MapIssueCredentials(this WebApplication app) =>
        app.MapPost("/api/vaults/{vaultId:guid}/credentials", HandleAsync).Produces<string>(StatusCodes.Status201Created, "application/xml");

    private static async Task<IResult> HandleAsync(
        Guid vaultId,
        HttpContext http,
        IDocumentStore store,
        TokenSigner signer,
        Limits limits,
        IOptions<AgentAddress> address,
        TimeProvider clock)
    {
        if (await ReadVaultsEndpoints.FindAsync(store, http, vaultId) is not { } vault)
        {
            return Refusal.NotFound("vault").ToResult();
        }

        var now = clock.GetUtcNow();
        var issued = new CredentialsIssued(vaultId, Guid.CreateVersion7(now), WholeSecond(now), WholeSecond(now + limits.CredentialsLifetime));
        await store.DecideAsync<Vault>(vaultId, _ => Decision.Append(issued), http.RequestAborted);

        var file = CredentialsToken.Sign(signer, new VaultCredentialsFile(
            issued.CredentialsId, vault.SubscriptionId, vaultId, vault.Name, issued.At, issued.ExpiresAt,
            address.Value.Registration[0], Token: ""));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{FileName(vault.Name)}.VaultCredentials\"";
        return Results.Text(file.ToXml(), "application/xml", Encoding.UTF8, StatusCodes.Status201Created);
    }

    private static DateTimeOffset WholeSecond(DateTimeOffset at) => DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds());

    private static string FileName(string name) =>
        new([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);
}
