using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Platform.Http;
using BackupPlatform.RegistrationService.Vaults;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

internal static class ReadMachinesEndpoints
{
    public static void MapReadMachines(this WebApplication app)
    {
        app.MapGet("/api/vaults/{vaultId:guid}/machines", ListAsync).Produces<Page<MachineDocument>>();
        app.MapGet("/api/machines/{machineId:guid}", ReadAsync).Produces<MachineDocument>();
    }

    private static async Task<IResult> ListAsync(
        Guid vaultId, HttpContext http, IDocumentStore store, TimeProvider clock, string? state, int? limit, string? after)
    {
        var caller = http.CallingOperator();
        if (state is not (null or nameof(MachineState.Registered) or nameof(MachineState.Deregistered)))
        {
            return Refusal.Invalid("state", "'state' is Registered or Deregistered.").ToResult();
        }

        if (!Paging.TryRead(limit, after, out var paging, out var refusal))
        {
            return refusal.ToResult();
        }

        if (await store.AwaitOperatedVaultAsync(vaultId, caller, clock, http.RequestAborted) is null)
        {
            return Refusal.NotFound("vault").ToResult();
        }

        await using var session = store.QuerySession();
        var machines = session.Query<Machine>().Where(machine => machine.VaultId == vaultId);
        machines = state switch
        {
            nameof(MachineState.Registered) => machines.Where(machine => machine.DeregisteredAt == null),
            nameof(MachineState.Deregistered) => machines.Where(machine => machine.DeregisteredAt != null),
            _ => machines,
        };
        return Results.Ok(await paging.PageAsync(machines, machine => machine.ToDocument(), http.RequestAborted));
    }

    private static async Task<IResult> ReadAsync(Guid machineId, HttpContext http, IDocumentStore store)
    {
        var caller = http.Caller();
        await using var session = store.QuerySession();
        return await session.LoadAsync<Machine>(machineId, http.RequestAborted) is { } machine
            && (caller.Operates(machine.SubscriptionId) || caller.IsMachine(machineId))
            ? Results.Ok(machine.ToDocument())
            : Refusal.NotFound("machine").ToResult();
    }
}
