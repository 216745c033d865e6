using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Sweeps;
using Marten;

namespace BackupPlatform.RetentionService.Items;

/// <summary>Expires recovery points that are due, and purges deleted ones that nobody has undeleted in time.</summary>
internal sealed class ExpirySweep(IDocumentStore store, TimeProvider clock, ILogger<ExpirySweep> log) : PeriodicSweep(clock, log)
{
    private const int Batch = 100;

    private readonly TimeProvider clock = clock;

    /// <summary>Does everything that is due now.</summary>
    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = clock.GetUtcNow();
            await using var session = store.QuerySession();
            var due = await session.Query<ItemRetention>()
                .Where(item => item.NextExpiry <= now || item.NextPurge <= now)
                .OrderBy(item => item.Id)
                .Take(Batch)
                .Select(item => item.Id)
                .ToListAsync(cancellationToken);
            foreach (var item in due)
            {
                await store.DecideAsync<ItemRetention>(item, state => ItemRetention.EndDue(state, now), cancellationToken);
            }

            if (due.Count < Batch)
            {
                return;
            }
        }
    }
}
