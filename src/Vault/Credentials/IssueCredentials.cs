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
        string? purpose,
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

        if (!TryReadPurpose(purpose, out var only))
        {
            return Refusal.Invalid("purpose", "'purpose' is register or recover; without it the credentials are for both.").ToResult();
        }

        var now = clock.GetUtcNow();
        var issued = new CredentialsIssued(
            vaultId, Guid.CreateVersion7(now), WholeSecond(now), WholeSecond(now + limits.CredentialsLifetime), vault.SubscriptionId, only,
            http.Caller() is Caller.PlatformOperator ? IssuedFile.ByPlatform : IssuedFile.BySubscription);
        var decision = await store.DecideAsync<Vault>(vaultId, state => Vault.Issue(state, issued), http.RequestAborted);
        if (decision.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        var file = CredentialsToken.Sign(signer, new VaultCredentialsFile(
            issued.CredentialsId, vault.SubscriptionId, vaultId, vault.Name, issued.At, issued.ExpiresAt,
            address.Value.Registration[0], Token: "", only));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{FileName(vault.Name)}.VaultCredentials\"";
        return Results.Text(file.ToXml(), "application/xml", Encoding.UTF8, StatusCodes.Status201Created);
    }

    private static bool TryReadPurpose(string? text, out CredentialsPurpose? purpose)
    {
        purpose = text switch
        {
            "register" => CredentialsPurpose.Register,
            "recover" => CredentialsPurpose.Recover,
            _ => null,
        };
        return text is null || purpose is not null;
    }

    private static DateTimeOffset WholeSecond(DateTimeOffset at) => DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds());

    private static string FileName(string name) =>
        new([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);
}
