using System.Text;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using Microsoft.AspNetCore.Mvc;
using NSec.Cryptography;

namespace BackupPlatform.RegistrationService.Tokens;

internal static class IssueMachineTokenEndpoint
{
    private const int MaxRequestLength = 4 * 1024;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    // One answer for every way to fail: it does not tell which machines there are.
    private static readonly Refusal Refused = new(
        ProblemCodes.Unauthenticated, "The challenge has not been answered with this machine's key in time; ask for a new challenge.");

    public static void MapIssueMachineToken(this WebApplication app) =>
        app.MapPost("/api/machines/{machineId:guid}/tokens", HandleAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<MachineToken>();

    private static async Task<IResult> HandleAsync(
        Guid machineId,
        RequestToken request,
        HttpContext http,
        IDocumentStore store,
        Challenges challenges,
        TokenSigner signer,
        AgentEndpoints endpoints,
        TimeProvider clock)
    {
        if (request is not { Nonce: { } nonce, Signature: { } signature } || !challenges.Holds(machineId, nonce))
        {
            return Refused.ToResult();
        }

        await using var session = store.QuerySession();
        if (await session.LoadAsync<Machine>(machineId, http.RequestAborted) is not { } machine
            || !IsSigned(machine, nonce, signature))
        {
            return Refused.ToResult();
        }

        var expiresAt = DateTimeOffset.FromUnixTimeSeconds((clock.GetUtcNow() + Lifetime).ToUnixTimeSeconds());
        var claims = new Dictionary<string, object>
        {
            [TokenKinds.Machine] = machine.Id.ToString("D"),
            [TokenKinds.Vault] = machine.VaultId.ToString("D"),
            [TokenKinds.Subscription] = machine.SubscriptionId.ToString("D"),
        };
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new MachineToken(signer.Sign(TokenKinds.ApiAudience, claims, expiresAt), expiresAt, endpoints));
    }

    private static bool IsSigned(Machine machine, string nonce, byte[] signature) =>
        PublicKey.TryImport(SignatureAlgorithm.Ed25519, machine.IdentityKey, KeyBlobFormat.RawPublicKey, out var key) && key is not null
        && SignatureAlgorithm.Ed25519.Verify(
            key, Encoding.UTF8.GetBytes(MachineTokenChallenge.Message(machine.Id, nonce)), signature);
}
