using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Sweeps;
using BackupPlatform.ServiceDefaults;
using Marten;
using Npgsql;

namespace BackupPlatform.IngestService.Backups;

internal static class CancelBackupEndpoint
{
    public static void MapCancelBackup(this WebApplication app) =>
        app.MapDelete("/api/backup-jobs/{jobId:guid}", HandleAsync).Produces(StatusCodes.Status204NoContent);

    private static async Task<IResult> HandleAsync(
        Guid jobId, HttpContext http, IDocumentStore store, EndBackups backups)
    {
        if (await ReadBackupJobsEndpoints.FindAsync(store, http, jobId) is not { } job)
        {
            return Refusal.NotFound("backup job").ToResult();
        }

        var decision = await backups.CancelAsync(job.ItemId, job.Id, http.RequestAborted);
        return decision.Refusal is { } refusal ? refusal.ToResult() : Results.NoContent();
    }
}

/// <summary>Ends backup jobs that become no recovery point. What they stored serves the item's next job.</summary>
internal sealed class EndBackups(ExclusiveCommands commands, TimeProvider clock)
{
    public Task<Decision> CancelAsync(Guid itemId, Guid jobId, CancellationToken cancellationToken) =>
        EndAsync(itemId, jobId, BackupJob.Cancel, _ => Task.FromResult(true), cancellationToken);

    /// <summary>Ends a job that nobody has asked anything of since then.</summary>
    public Task<Decision> AbandonAsync(Guid itemId, Guid jobId, DateTimeOffset since, CancellationToken cancellationToken) =>
        EndAsync(
            itemId,
            jobId,
            (state, now) => BackupJob.Fail(state, "abandoned", now),
            transaction => JobRows.IsIdleAsync(transaction.Connection, jobId, since, cancellationToken),
            cancellationToken);

    private Task<Decision> EndAsync(
        Guid itemId,
        Guid jobId,
        Func<BackupJob?, DateTimeOffset, Decision> end,
        Func<MixedTransaction, Task<bool>> condition,
        CancellationToken cancellationToken) =>
        commands.RunAsync(
            itemId,
            async transaction =>
            {
                if (!await condition(transaction))
                {
                    return Decision.Nothing;
                }

                var now = clock.GetUtcNow();
                var ended = await transaction.Session.DecideAsync<BackupJob>(jobId, state => end(state, now), cancellationToken);
                if (ended.Refusal is not null)
                {
                    return ended;
                }

                await JobRows.CloseAsync(transaction.Connection, jobId, cancellationToken);
                return await transaction.Session.DecideAsync<MachineItem>(
                    itemId, state => MachineItem.End(state, jobId, now), cancellationToken);
            },
            cancellationToken);
}

/// <summary>Ends jobs that nobody has asked anything of for a day, so that they hold nothing for ever.</summary>
internal sealed class IdleBackups(
    NpgsqlDataSource database, EndBackups backups, TimeProvider clock, ILogger<IdleBackups> log) : PeriodicSweep(clock, log)
{
    private static readonly TimeSpan IdleAfter = TimeSpan.FromHours(24);

    private readonly TimeProvider clock = clock;

    /// <summary>Ends what is idle now.</summary>
    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - IdleAfter;
        foreach (var (jobId, itemId) in await database.IdleAsync(since, cancellationToken))
        {
            await backups.AbandonAsync(itemId, jobId, since, cancellationToken);
        }
    }
}
