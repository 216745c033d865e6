using BackupPlatform.Platform.EventStore;
using BackupPlatform.Storage;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>
/// Removes key headers that count no more: an old passphrase opens nothing. What a crash or a store that was away left is removed
/// later; any replica may do it, also several at once.
/// </summary>
internal sealed class OldKeyHeaders(IDocumentStore store, IBlobStore blobs, TimeProvider clock, ILogger<OldKeyHeaders> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Removes those of one machine if it has any; a failure is left to a later time.</summary>
    public async Task TryRemoveAsync(Guid machineId, CancellationToken cancellationToken)
    {
        try
        {
            await using var session = store.QuerySession();
            if (await session.LoadAsync<Machine>(machineId, cancellationToken) is not { HasOldKeyHeaders: true } machine)
            {
                return;
            }

            await blobs.RemoveOldKeyHeadersAsync(machine, cancellationToken);
            await store.DecideAsync<Machine>(
                machineId,
                state => state is { HasOldKeyHeaders: true } && state.KeyHeaderRevision == machine.KeyHeaderRevision
                    ? Decision.Append(new OldKeyHeadersRemoved(machineId, machine.KeyHeaderRevision, clock.GetUtcNow()))
                    : Decision.Nothing,
                cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning(e, "Old key headers of machine {MachineId} are still there; the next attempt comes by itself", machineId);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        do
        {
            foreach (var machineId in await FindAsync(stoppingToken))
            {
                await TryRemoveAsync(machineId, stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<IReadOnlyList<Guid>> FindAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var session = store.QuerySession();
            return await session.Query<Machine>().Where(machine => machine.HasOldKeyHeaders).Select(machine => machine.Id)
                .ToListAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning(e, "The database does not say which machines have old key headers; the next attempt comes by itself");
            return [];
        }
    }
}
