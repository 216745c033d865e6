using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService.Credentials;
using BackupPlatform.RegistrationService.Machines;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Recovery;

internal static class ReplaceMachineEndpoint
{
    private const int MaxRequestLength = 64 * 1024;

    public static void MapReplaceMachine(this WebApplication app) =>
        app.MapPut("/api/machines/{machineId:guid}/identity", HandleAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<RegisteredMachineDocument>();

    private static async Task<IResult> HandleAsync(
        Guid machineId,
        ReplaceMachine request,
        HttpContext http,
        ShownCredentials credentials,
        RecoveryProof proof,
        ReplaceMachines machines,
        AgentEndpoints endpoints,
        RateLimits limits)
    {
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        limits.CheckAddress(http);
        var (shown, vault) = await credentials.CheckAsync(request.Credentials!, CredentialsPurpose.Register, http.RequestAborted);
        limits.CheckRecovery("replacement", shown.CredentialsId, machineId);
        var text = RecoveryProofs.Replacement(machineId, request.Nonce!, request.IdentityPublicKey);
        var machine = await proof.CheckAsync(machineId, vault.Id, request.Nonce!, request.Signature!, text, http.RequestAborted);
        var decision = await machines.ReplaceAsync(machineId, request, http.RequestAborted);
        return decision.Refusal is { } refusal
            ? refusal.ToResult()
            : Results.Ok(new RegisteredMachineDocument(
                machine.Id, vault.Id, vault.SubscriptionId, vault.Name!, machine.Name, endpoints));
    }
}

/// <summary>Gives machines new identities.</summary>
internal sealed class ReplaceMachines(IDocumentStore store, RecoveryProof proof, Limits limits, TimeProvider clock)
{
    /// <remarks>
    /// All in one transaction: the new identity, the end of the old one, the nonce, and, where the machine was deregistered, its place
    /// and its name in the vault.
    /// </remarks>
    public Task<Decision> ReplaceAsync(Guid machineId, ReplaceMachine request, CancellationToken cancellationToken) => store.CommitAsync(
        async session =>
        {
            var now = clock.GetUtcNow();
            Machine? before = null;
            var taken = await session.DecideAsync<Machine>(
                machineId, state => Machine.TakeOver(before = state, request.IdentityPublicKey!, request.TimeZone!, now), cancellationToken);
            if (taken.Events.Count == 0)
            {
                return taken;
            }

            if (await proof.UseAsync(session, request.Nonce!, cancellationToken) is { Refusal: not null } used)
            {
                return used;
            }

            await session.EndIdentityAsync(machineId, before!.Generation, cancellationToken);
            return before.DeregisteredAt is null
                ? taken
                : await session.DecideAsync<VaultRoster>(
                    before.VaultId,
                    state => VaultRoster.Add(
                        state, new MachineAdded(before.VaultId, machineId, before.Name, now), limits.MachinesPerVault),
                    cancellationToken);
        },
        cancellationToken);
}
