using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.ServiceDefaults;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Tokens;

internal static class IssueMachineTokenEndpoint
{
    private const int MaxRequestLength = 4 * 1024;

    // One answer for every way to fail: it does not tell which machines there are.
    private static readonly Refusal Refused = new(
        ProblemCodes.Unauthenticated, "The challenge has not been answered with this machine's key in time; ask for a new challenge.");

    // Told to nobody but who holds the key.
    private static readonly Refusal Deregistered = new(
        ProblemCodes.Unauthenticated, "This machine was deregistered; its recovery points stay. Register again to go on.");

    private static readonly Refusal Replaced = new(
        ProblemCodes.Unauthenticated, "This machine was taken over by another installation; this one has ended. Register with another name to go on.");

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
        MachineTokens tokens,
        RateLimits limits)
    {
        limits.CheckAddress(http);
        if (request is not { Nonce: { } nonce, Signature: { } signature } || !challenges.Holds(machineId, nonce))
        {
            return Refused.ToResult();
        }

        limits.CheckToken("token", machineId);
        await using var session = store.QuerySession();
        if (await session.LoadAsync<Machine>(machineId, http.RequestAborted) is not { } machine)
        {
            return Refused.ToResult();
        }

        var text = MachineTokenChallenge.Message(machine.Id, nonce);
        if (!Proofs.Holds(machine.IdentityKey, text, signature))
        {
            return (machine.EndedKeys ?? []).Any(key => Proofs.Holds(key, text, signature)) ? Replaced.ToResult() : Refused.ToResult();
        }

        if (machine.DeregisteredAt is not null)
        {
            return Deregistered.ToResult();
        }

        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(tokens.ForMachine(machine));
    }
}
