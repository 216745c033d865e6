using BackupPlatform.Platform.EventStore;
using Marten;

namespace BackupPlatform.RetentionService.Items;

/// <summary>Expires what is due, soon after it is due, also where the clock jumps.</summary>
/// <remarks>
/// It asks again and again rather than sleep until the next expiry: a sleep would not notice a jump of the clock. Several replicas
/// may sweep at once; each decision is taken again in the transaction on its stream.
/// </remarks>
internal sealed class ExpirySweep(IDocumentStore store, TimeProvider clock, ILogger<ExpirySweep> log) : BackgroundService
{
    private const int Batch = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ExpireDueAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(e, "Recovery points that are due could not be expired; trying again");
            }
        }
    }

    /// <summary>Expires everything that is due now.</summary>
    public async Task ExpireDueAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = clock.GetUtcNow();
            await using var session = store.QuerySession();
            var due = await session.Query<ItemRetention>()
                .Where(item => item.NextExpiry <= now)
                .OrderBy(item => item.NextExpiry)
                .Take(Batch)
                .Select(item => item.Id)
                .ToListAsync(cancellationToken);
            foreach (var item in due)
            {
                await store.DecideAsync<ItemRetention>(item, state => ItemRetention.ExpireDue(state, now), cancellationToken);
            }

            if (due.Count < Batch)
            {
                return;
            }
        }
    }
}
