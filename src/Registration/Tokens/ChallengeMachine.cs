using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.RegistrationService.Tokens;

internal static class ChallengeMachineEndpoint
{
    public static void MapChallengeMachine(this WebApplication app) =>
        app.MapPost("/api/machines/{machineId:guid}/token-challenges", Handle).Produces<TokenChallenge>();

    /// <remarks>Unknown ids are challenged too: the answer does not tell which machines there are.</remarks>
    private static IResult Handle(Guid machineId, HttpContext http, Challenges challenges, RateLimits limits)
    {
        limits.CheckAddress(http);
        limits.CheckToken("challenge", machineId);
        var (nonce, expiresAt) = challenges.Make(machineId);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new TokenChallenge(nonce, expiresAt));
    }
}
