using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RegistrationService.Credentials;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Tokens;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Recovery;

internal static class IssueRecoveryTokenEndpoint
{
    private const int MaxRequestLength = 64 * 1024;

    public static void MapIssueRecoveryToken(this WebApplication app) =>
        app.MapPost("/api/machines/{machineId:guid}/recovery-tokens", HandleAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<MachineToken>();

    /// <remarks>
    /// The signature proves the passphrase anew each time, and a nonce proves it once: who overhears an answer and has the
    /// credentials still gets nothing.
    /// </remarks>
    private static async Task<IResult> HandleAsync(
        Guid machineId,
        RequestRecoveryToken request,
        HttpContext http,
        IDocumentStore store,
        ShownCredentials credentials,
        RecoverySessions sessions,
        RecoveryProof proof,
        MachineTokens tokens,
        RateLimits limits)
    {
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        limits.CheckAddress(http);
        var (shown, vault) = await credentials.CheckAsync(
            request.Credentials!, CredentialsPurpose.Recover, http.RequestAborted, evenExpired: request.PreviousToken is not null);
        var session = await sessions.FindAsync(request.PreviousToken, machineId, shown, http.RequestAborted);
        limits.CheckRecovery("token", shown.CredentialsId, machineId);
        var machine = await proof.CheckAsync(
            machineId, vault.Id, request.Nonce!, request.Signature!, RecoveryProofs.Token(machineId, request.Nonce!), http.RequestAborted);
        var used = await store.CommitAsync(
            change => proof.UseAsync(change, request.Nonce!, http.RequestAborted), http.RequestAborted);
        if (used.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(tokens.ForRecovery(machine, shown, session.Start, session.End));
    }
}

/// <summary>When somebody began to recover a machine, and until when that may go on.</summary>
/// <param name="Start">To the second.</param>
internal sealed record RecoverySession(DateTimeOffset Start, DateTimeOffset End);

/// <summary>Begins and continues recovery sessions; nothing is stored, a session is in its tokens.</summary>
internal sealed class RecoverySessions(TokenVerifier verifier, TimeProvider clock)
{
    /// <summary>A restore that has begun may take so long, though the credentials expire meanwhile.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <param name="previous">The session's last token, expired or not; null begins a session.</param>
    /// <exception cref="RefusedException">It is no token of a session that these credentials began, or the session is too old.</exception>
    public async Task<RecoverySession> FindAsync(
        string? previous, Guid machineId, VaultCredentialsFile credentials, CancellationToken cancellationToken)
    {
        var start = previous is null
            ? DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds())
            : await StartAsync(previous, machineId, credentials.CredentialsId, cancellationToken);
        return start + Longest > clock.GetUtcNow()
            ? new RecoverySession(start, start + Longest)
            : throw new RefusedException(new Refusal(
                ProblemCodes.CredentialsExpired,
                $"This recovery began more than {Longest.TotalDays} days ago; download fresh vault credentials and begin anew."));
    }

    private async Task<DateTimeOffset> StartAsync(string previous, Guid machineId, Guid credentialsId, CancellationToken cancellationToken)
    {
        var (token, refusal) = await verifier.VerifyAsync(previous, TokenKinds.ApiAudience, cancellationToken);
        if (token is null && refusal is { Code: ProblemCodes.Unavailable })
        {
            throw new RefusedException(refusal);
        }

        return token is not null && TokenKinds.Read(token) is Caller.Recovery recovery
            && recovery.MachineId == machineId && recovery.CredentialsId == credentialsId
            && TokenKinds.Instant(token, TokenKinds.Session) is { } start
            ? start
            : throw new RefusedException(new Refusal(
                ProblemCodes.Unauthenticated, "The previous token is none of a session with these credentials; begin a new one."));
    }
}
