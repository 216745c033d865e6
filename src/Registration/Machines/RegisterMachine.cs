using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RegistrationService.Credentials;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Machines;

internal static class RegisterMachineEndpoint
{
    private const int MaxRequestLength = 128 * 1024;

    public static void MapRegisterMachine(this WebApplication app) =>
        app.MapPost("/api/machines", HandleAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<RegisteredMachineDocument>(StatusCodes.Status201Created)
            .Produces<RegisteredMachineDocument>(StatusCodes.Status200OK);

    /// <remarks>
    /// No token: the vault credentials in the body say who may register. The key header is durable before the machine comes to be,
    /// so that no machine is without one; where the machine is refused none is left behind, unless others were faster just then.
    /// </remarks>
    private static async Task<IResult> HandleAsync(
        RegisterMachine request,
        HttpContext http,
        IDocumentStore store,
        IBlobStore blobs,
        ShownCredentials credentials,
        AgentEndpoints endpoints,
        RateLimits limits,
        Limits machines,
        TimeProvider clock)
    {
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        limits.CheckAddress(http);
        var (shown, vault) = await credentials.CheckAsync(request.Credentials!, CredentialsPurpose.Register, http.RequestAborted);
        limits.CheckRegistration(shown.CredentialsId);
        var machine = new MachineEnrolled(
            request.MachineId, vault.Id, vault.SubscriptionId, request.Name!, request.IdentityPublicKey!, request.RecoveryPublicKey!,
            KeyHeaders.FirstRevision, request.TimeZone!, clock.GetUtcNow());
        var decision = await EnrollAsync(store, blobs, machine, request.KeyHeader!, machines, http.RequestAborted);
        if (decision.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        await using var session = store.QuerySession();
        var registered = (await session.LoadAsync<Machine>(machine.MachineId, http.RequestAborted))!;
        var document = new RegisteredMachineDocument(
            registered.Id, vault.Id, vault.SubscriptionId, vault.Name!, registered.Name, endpoints);
        return decision.Events.Count > 0
            ? Results.Created($"/api/machines/{registered.Id:D}", document)
            : Results.Ok(document);
    }

    private static async Task<Decision> EnrollAsync(
        IDocumentStore store, IBlobStore blobs, MachineEnrolled machine, byte[] keyHeader, Limits limits, CancellationToken cancellationToken)
    {
        Task<Decision> DecideAsync(IDocumentSession session) => DecideOnBothAsync(session, machine, limits, cancellationToken);
        await using (var preview = store.LightweightSession())
        {
            var foreseen = await DecideAsync(preview);
            if (foreseen.Refusal is not null || await HasChangedKeyHeaderAsync(preview, machine.MachineId, cancellationToken))
            {
                return foreseen;
            }
        }

        var name = KeyHeaders.BlobName(machine.VaultId, machine.MachineId, KeyHeaders.FirstRevision);
        return await blobs.KeepAsync(name, keyHeader, cancellationToken)
            ? await store.CommitAsync(DecideAsync, cancellationToken)
            : new Refusal(
                ProblemCodes.Conflict, "Another key header was sent for this machine before; register with a new id.");
    }

    /// <summary>A machine that is there, and whose passphrase has changed: its first key header must not come back.</summary>
    private static async Task<bool> HasChangedKeyHeaderAsync(
        IDocumentSession session, Guid machineId, CancellationToken cancellationToken) =>
        await session.LoadAsync<Machine>(machineId, cancellationToken) is { KeyHeaderRevision: > KeyHeaders.FirstRevision };

    /// <summary>Machine and roster change in one transaction: the limit holds whoever else registers just now.</summary>
    private static async Task<Decision> DecideOnBothAsync(
        IDocumentSession session, MachineEnrolled machine, Limits limits, CancellationToken cancellationToken)
    {
        var decision = await session.DecideAsync<Machine>(
            machine.MachineId, state => Machine.Enroll(state, machine), cancellationToken);
        return decision.Events.Count == 0
            ? decision
            : await session.DecideAsync<VaultRoster>(
                machine.VaultId,
                state => VaultRoster.Add(
                    state, new MachineAdded(machine.VaultId, machine.MachineId, machine.Name, machine.At), limits.MachinesPerVault),
                cancellationToken);
    }
}
