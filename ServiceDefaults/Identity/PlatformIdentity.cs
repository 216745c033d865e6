using System.Net;
using System.Security.Cryptography;
using System.Text;
using BackupPlatform.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>Finds out who calls, before any endpoint runs.</summary>
internal static class PlatformIdentity
{
    /// <summary>Configuration: the platform operator's own token, the same in every service.</summary>
    private const string PlatformTokenKey = "Identity:PlatformOperatorToken";

    /// <summary>Configuration: how many tokens that are none an address may show a minute, to each replica of a service.</summary>
    private const string FailuresKey = "Limits:FailedAuthenticationsPerAddressPerMinute";

    private const int DefaultFailures = 600;

    private const string Scheme = "Bearer ";

    public static void AddPlatformIdentity(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddHttpClient(TokenVerifier.Client);
        services.AddSingleton<TokenVerifier>();
        services.AddSingleton(new PlatformOperatorToken(configuration[PlatformTokenKey]));
        services.AddSingleton(_ => new RequestLimiter<IPAddress>(
            configuration.GetValue(FailuresKey, DefaultFailures), "Too many tokens that are not valid come from this address."));
    }

    /// <remarks>
    /// A request without a token goes on without a caller; an endpoint that needs one refuses it. A token that does not hold is
    /// refused here, whatever the endpoint. Only failures are counted: behind an address that many share, such as the portal's, nobody
    /// with a good token is refused for the guesses of others.
    /// </remarks>
    public static void UsePlatformIdentity(this WebApplication app) => app.Use(async (context, next) =>
    {
        if (context.Request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            var (caller, refusal) = await IdentifyAsync(context, header[Scheme.Length..].Trim());
            if (refusal is not null)
            {
                await Problems.WriteAsync(context, CountFailure(context, refusal));
                return;
            }

            context.Features.Set(caller);
        }

        await next(context);
    });

    private static Refusal CountFailure(HttpContext context, Refusal refusal) =>
        refusal.Code == ProblemCodes.Unauthenticated && refusal != TokenVerifier.Expired
            ? context.RequestServices.GetRequiredService<RequestLimiter<IPAddress>>()
                .Check(context.Connection.RemoteIpAddress ?? IPAddress.None) ?? refusal
            : refusal;

    private static async Task<(Caller?, Refusal?)> IdentifyAsync(HttpContext context, string token)
    {
        if (context.RequestServices.GetRequiredService<PlatformOperatorToken>().Is(token))
        {
            return (new Caller.PlatformOperator(), null);
        }

        var verifier = context.RequestServices.GetRequiredService<TokenVerifier>();
        var (verified, refusal) = await verifier.VerifyAsync(token, TokenKinds.ApiAudience, context.RequestAborted);
        return refusal is not null ? (null, refusal) : (TokenKinds.Read(verified!), null);
    }

    private sealed class PlatformOperatorToken(string? token)
    {
        private readonly byte[]? digest = string.IsNullOrEmpty(token) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

        public bool Is(string shown) =>
            digest is not null && CryptographicOperations.FixedTimeEquals(digest, SHA256.HashData(Encoding.UTF8.GetBytes(shown)));
    }
}
