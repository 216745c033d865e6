using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Credentials;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Tokens;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Recovery;

internal static class ChallengeRecoveryEndpoint
{
    private const int MaxRequestLength = 64 * 1024;

    public static void MapChallengeRecovery(this WebApplication app) =>
        app.MapPost("/api/recovery-challenges", HandleAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<RecoveryChallenge>();

    /// <remarks>No token: the vault credentials in the body say whose machines may be asked for, whatever their purpose.</remarks>
    private static async Task<IResult> HandleAsync(
        OpenRecovery request,
        HttpContext http,
        IDocumentStore store,
        IBlobStore blobs,
        ShownCredentials credentials,
        Challenges challenges,
        RateLimits limits)
    {
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        limits.CheckAddress(http);
        var (shown, vault) = await credentials.CheckAsync(request.Credentials!, purpose: null, http.RequestAborted);
        await using var session = store.QuerySession();
        if (await FindAsync(session, vault.Id, request.Machine!, http.RequestAborted) is not { } machine)
        {
            limits.CheckRecovery("unknown", shown.CredentialsId, vault.Id);
            return new Refusal(
                ProblemCodes.NotFound, "The vault has no machine of this name or id; look it up with an operator of the vault.").ToResult();
        }

        limits.CheckRecovery("challenge", shown.CredentialsId, machine.Id);
        var (current, keyHeader) = await blobs.ReadKeyHeaderAsync(store, machine.Id, http.RequestAborted);
        var (nonce, expiresAt) = challenges.Make(machine.Id);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new RecoveryChallenge(machine.Id, machine.Name, keyHeader, current.KeyHeaderRevision, nonce, expiresAt));
    }

    /// <summary>A machine of the vault by id, or by name: the one that bears it, else the one that bore it last.</summary>
    private static async Task<Machine?> FindAsync(IQuerySession session, Guid vaultId, string sought, CancellationToken stop)
    {
        if (Guid.TryParseExact(sought, "D", out var id) && await session.LoadAsync<Machine>(id, stop) is { } machine && machine.VaultId == vaultId)
        {
            return machine;
        }

        var named = await session.Query<Machine>().Where(one => one.VaultId == vaultId && one.Name == sought).ToListAsync(stop);
        return named.OrderBy(one => one.DeregisteredAt is not null).ThenByDescending(one => one.RegisteredAt).FirstOrDefault();
    }
}
