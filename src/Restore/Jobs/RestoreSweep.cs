using BackupPlatform.Formats;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Sweeps;
using BackupPlatform.Storage;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>Expires jobs that nobody asks for and removes the blobs of ended ones.</summary>
internal sealed class RestoreSweep(IDocumentStore store, IBlobStore blobs, TimeProvider clock, ILogger<RestoreSweep> log)
    : PeriodicSweep(clock, log)
{
    private const int Batch = 100;

    private readonly TimeProvider clock = clock;

    /// <summary>Does what is due now, a batch at most.</summary>
    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var session = store.QuerySession();
        var due = await session.Query<RestoreJob>()
            .Where(job => job.SweepAt <= now)
            .OrderBy(job => job.SweepAt)
            .Take(Batch)
            .ToListAsync(cancellationToken);
        foreach (var job in due)
        {
            if (job.EndedAt is null)
            {
                await store.DecideAsync<RestoreJob>(job.Id, state => RestoreJob.ExpireIfDue(state, now), cancellationToken);
            }
            else
            {
                await ClearAsync(job.Id, now, cancellationToken);
            }
        }
    }

    private async Task ClearAsync(Guid jobId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await DeleteBlobsAsync(jobId, cancellationToken);
        await store.DecideAsync<RestoreJob>(jobId, state => RestoreJob.Clear(state, now), cancellationToken);

        // A plan that came between its deletion and the decision is not swept again; one that comes after the decision is.
        await DeleteBlobsAsync(jobId, cancellationToken);
    }

    /// <summary>The selection and every plan, also of attempts at planning that never came to their end.</summary>
    private async Task DeleteBlobsAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await foreach (var blob in blobs.ListAsync(RestorePlan.Folder(jobId), cancellationToken))
        {
            await blobs.DeleteAsync(blob.Name, cancellationToken);
        }
    }
}
