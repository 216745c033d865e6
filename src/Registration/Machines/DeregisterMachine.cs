using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

internal static class DeregisterMachineEndpoints
{
    public static void MapDeregisterMachine(this WebApplication app)
    {
        app.MapDelete("/api/machines/{machineId:guid}", DeregisterAsync).Produces(StatusCodes.Status204NoContent);
        app.MapPost("/api/machines/{machineId:guid}/unregistration", UnregisterAsync).Produces(StatusCodes.Status204NoContent);
    }

    /// <summary>An operator ends a machine's identity.</summary>
    private static async Task<IResult> DeregisterAsync(Guid machineId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        var caller = http.CallingOperator();
        await using var session = store.QuerySession();
        return await session.LoadAsync<Machine>(machineId, http.RequestAborted) is { } machine && caller.Operates(machine.SubscriptionId)
            ? await DismissAsync(machine, store, clock, http.RequestAborted)
            : Refusal.NotFound("machine").ToResult();
    }

    /// <summary>A machine ends its own identity. A second call has none to come with.</summary>
    private static async Task<IResult> UnregisterAsync(Guid machineId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        var caller = http.CallingMachine();
        await using var session = store.QuerySession();
        return caller.MachineId == machineId && await session.LoadAsync<Machine>(machineId, http.RequestAborted) is { } machine
            ? await DismissAsync(machine, store, clock, http.RequestAborted)
            : Refusal.NotFound("machine").ToResult();
    }

    /// <remarks>In one transaction: the identity ends, here at once, and place and name are free for another machine.</remarks>
    private static async Task<IResult> DismissAsync(
        Machine machine, IDocumentStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var decision = await store.CommitAsync(
            async session =>
            {
                var now = clock.GetUtcNow();
                Machine? current = null;
                var dismissed = await session.DecideAsync<Machine>(
                    machine.Id, state => Machine.Dismiss(current = state, now), cancellationToken);
                if (dismissed.Events.Count == 0)
                {
                    return dismissed;
                }

                await session.EndIdentityAsync(machine.Id, current!.Generation, cancellationToken);
                return await session.DecideAsync<VaultRoster>(
                    machine.VaultId, state => VaultRoster.Release(state, machine.Id, now), cancellationToken);
            },
            cancellationToken);
        return decision.Refusal?.ToResult() ?? Results.NoContent();
    }
}
