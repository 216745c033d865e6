using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RegistrationService.Vaults;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
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
        TokenVerifier verifier,
        AgentEndpoints endpoints,
        Limits limits,
        TimeProvider clock)
    {
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        var (credentials, refused) = await verifier.VerifyAsync(request.Credentials!, http.RequestAborted);
        if (credentials is null)
        {
            return refused!.ToResult();
        }

        if (await store.AwaitVaultAsync(credentials.VaultId, clock, http.RequestAborted) is not { } vault)
        {
            return Refusal.Unavailable("The vault of these credentials is not known here yet; try again in a moment.").ToResult();
        }

        var machine = new MachineEnrolled(
            request.MachineId, vault.Id, vault.SubscriptionId, request.Name!, request.IdentityPublicKey!, request.RecoveryPublicKey!,
            KeyHeaders.FirstRevision, request.TimeZone!, clock.GetUtcNow());
        var decision = await EnrollAsync(store, blobs, machine, request.KeyHeader!, limits, http.RequestAborted);
        if (decision.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        await using var session = store.QuerySession();
        var registered = (await session.LoadAsync<Machine>(machine.MachineId, http.RequestAborted))!;
        var document = new RegisteredMachineDocument(
            registered.Id, vault.Id, vault.SubscriptionId, vault.Name, registered.Name, endpoints);
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
            if (await DecideAsync(preview) is { Refusal: not null } refused)
            {
                return refused;
            }
        }

        var name = KeyHeaders.BlobName(machine.VaultId, machine.MachineId, machine.KeyHeaderRevision);
        return await blobs.KeepAsync(name, keyHeader, cancellationToken)
            ? await store.CommitAsync(DecideAsync, cancellationToken)
            : new Refusal(
                ProblemCodes.Conflict, "Another key header was sent for this machine before; register with a new id.");
    }

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
