using System.Collections.Concurrent;
using BackupPlatform.Contracts;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>Verifies tokens with the keys that their issuers publish at <c>/.well-known/jwks.json</c>.</summary>
/// <remarks>
/// Keys are kept for as long as the process lives and asked for again when a token names one that is not known, at most every
/// five seconds, so that garbage cannot make a service flood its neighbours.
/// </remarks>
public sealed class TokenVerifier(IHttpClientFactory clients, TimeProvider clock)
{
    /// <summary>Name of the HTTP client that fetches the keys.</summary>
    public const string Client = "signing-keys";

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AllowedSkew = TimeSpan.FromSeconds(30);

    private readonly JsonWebTokenHandler handler = new();
    private readonly ConcurrentDictionary<string, IssuerKeys> issuers = new();

    /// <summary>Verifies signature, issuer, audience and lifetime.</summary>
    /// <returns>The token, or why it is refused.</returns>
    public async Task<(JsonWebToken? Token, Refusal? Refusal)> VerifyAsync(
        string text, string audience, CancellationToken cancellationToken)
    {
        if (Read(text) is not { } unverified || ServiceOf(unverified.Issuer) is not { } service)
        {
            return (null, Unauthenticated);
        }

        var keys = issuers.GetOrAdd(unverified.Issuer, _ => new IssuerKeys());
        if (!keys.Known.ContainsKey(unverified.Kid ?? "") && !await FetchAsync(keys, service, cancellationToken))
        {
            return (null, Refusal.Unavailable($"The {service} service, whose keys verify this token, does not answer."));
        }

        var result = await handler.ValidateTokenAsync(unverified, new TokenValidationParameters
        {
            ValidIssuer = unverified.Issuer,
            ValidAudience = audience,
            IssuerSigningKeys = keys.Known.Values,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            LifetimeValidator = (from, until, _, _) =>
                (from is null || from - AllowedSkew <= clock.GetUtcNow().UtcDateTime) && until > clock.GetUtcNow().UtcDateTime,
        });
        return result.IsValid ? (unverified, null)
            : result.Exception is SecurityTokenInvalidLifetimeException ? (unverified, Expired)
            : (null, Unauthenticated);
    }

    /// <summary>The refusal of a token that was valid once.</summary>
    public static Refusal Expired { get; } = new(ProblemCodes.Unauthenticated, "The token has expired; ask for a new one.");

    private static Refusal Unauthenticated { get; } = new(ProblemCodes.Unauthenticated, "The token is not valid here.");

    private JsonWebToken? Read(string text)
    {
        try
        {
            return handler.CanReadToken(text) ? handler.ReadJsonWebToken(text) : null;
        }
        catch (Exception e) when (e is SecurityTokenException or ArgumentException)
        {
            return null;
        }
    }

    private static string? ServiceOf(string issuer) => issuer switch
    {
        TokenKinds.VaultIssuer => "vault",
        TokenKinds.RegistrationIssuer => "registration",
        _ => null,
    };

    /// <returns>False only where the keys could not be had at all.</returns>
    private async Task<bool> FetchAsync(IssuerKeys keys, string service, CancellationToken cancellationToken)
    {
        await keys.Gate.WaitAsync(cancellationToken);
        try
        {
            if (keys.AskedAt is { } asked && clock.GetElapsedTime(asked) < AskAgainAfter)
            {
                return true;
            }

            using var client = clients.CreateClient(Client);
            var json = await client.GetStringAsync(new Uri($"http://{service}/.well-known/jwks.json"), cancellationToken);
            keys.Known = new JsonWebKeySet(json).Keys.ToDictionary(key => key.Kid);
            keys.AskedAt = clock.GetTimestamp();
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or Polly.ExecutionRejectedException)
        {
            return false;
        }
        finally
        {
            keys.Gate.Release();
        }
    }

    private sealed class IssuerKeys
    {
        public SemaphoreSlim Gate { get; } = new(1);

        public IReadOnlyDictionary<string, JsonWebKey> Known { get; set; } = new Dictionary<string, JsonWebKey>();

        public long? AskedAt { get; set; }
    }
}
