using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.IngestService.Machines;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.IngestService.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Npgsql;

namespace BackupPlatform.IngestService.Backups;

internal static class OpenBackupEndpoint
{
    public static void MapOpenBackup(this WebApplication app) =>
        app.MapPost("/api/backup-jobs", HandleAsync).Produces<BackupJobDocument>(StatusCodes.Status201Created);

    private static async Task<IResult> HandleAsync(
        OpenBackup request, HttpContext http, MachineAccess access, OpenBackups backups, NpgsqlDataSource database)
    {
        var caller = http.CallingMachine();
        if (ItemId.Check(request.Item) is { } invalid)
        {
            return invalid.ToResult();
        }

        var machine = await access.MachineAsync(http, caller.MachineId);
        var (decision, opened) = await backups.OpenAsync(machine, request.Item!, http.RequestAborted);
        if (decision.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        var job = BackupJob.Fold(null, opened!);
        var basePoint = await database.BasePointAsync(job.ItemId, job.BaseSequence, http.RequestAborted);
        return Results.Created($"/api/backup-jobs/{job.Id:D}", job.ToDocument(stored: 0, basePoint));
    }
}

/// <summary>Opens backup jobs: the limits hold whoever else opens or seals one just now.</summary>
internal sealed class OpenBackups(ExclusiveCommands commands, Limits limits, TimeProvider clock)
{
    /// <returns>The decision that holds, and the job's opening unless it refuses.</returns>
    public async Task<(Decision Decision, BackupJobOpened? Opened)> OpenAsync(
        ProtectedMachine machine, string item, CancellationToken cancellationToken)
    {
        var itemId = ItemId.Of(machine.Id, item);
        // A zone that this system does not know is no reason to refuse a backup; registration has checked the name.
        var zone = TimeZoneInfo.TryFindSystemTimeZoneById(machine.TimeZone, out var found) ? found : TimeZoneInfo.Utc;
        BackupJobOpened? opened = null;
        var decision = await commands.RunInVaultAsync(
            machine.VaultId,
            itemId,
            async transaction =>
            {
                if (await transaction.Session.LoadAsync<VaultClosure>(machine.VaultId, cancellationToken) is { Closed: true })
                {
                    return Refusal.NotFound("vault");
                }

                var now = clock.GetUtcNow();
                var jobId = Guid.CreateVersion7(now);
                var before = await transaction.Session.LoadAsync<MachineItem>(itemId, cancellationToken);
                var overdue = before?.LivePoints.Count >= limits.RecoveryPointsPerItem
                    ? await CountOverdueAsync(transaction, before, now, cancellationToken)
                    : 0;
                var begun = await transaction.Session.DecideAsync<MachineItem>(
                    itemId, state => MachineItem.Begin(state, itemId, jobId, zone, limits, overdue, now), cancellationToken);
                if (begun.Refusal is not null)
                {
                    return begun;
                }

                if (before is null)
                {
                    // Many new items at once stand in line rather than decide anew again and again.
                    await transaction.Connection.LockAsync(machine.Id, cancellationToken);
                }

                var used = await transaction.Session.DecideAsync<MachineItems>(
                    machine.Id, state => MachineItems.Use(state, machine.Id, item, limits.ItemsPerMachine, now), cancellationToken);
                if (used.Refusal is not null)
                {
                    return used;
                }

                if (before?.OpenJobId is { } superseded)
                {
                    await FailAsync(transaction, superseded, now, cancellationToken);
                }

                var baseSequence = before?.NewestSequence ?? 0;
                opened = new BackupJobOpened(
                    jobId, machine.SubscriptionId, machine.VaultId, machine.Id, itemId, item, machine.TimeZone,
                    baseSequence + 1, baseSequence, before?.NewestPointId, now);
                transaction.Session.Events.StartStream<BackupJob>(jobId, opened);
                await JobRows.InsertAsync(
                    transaction.Connection, new JobRow(jobId, machine.VaultId, machine.Id, itemId, Open: true), now, cancellationToken);
                return begun;
            },
            cancellationToken);
        return (decision, opened);
    }

    /// <summary>Points whose time is over: not to be refused for, though retention has not said so yet. The newest does not expire.</summary>
    private static async Task<int> CountOverdueAsync(
        MixedTransaction transaction, MachineItem item, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = transaction.Connection.Sql(
            "select count(*) from bulk.point_retention where point_id = any($1) and expires_at <= $2",
            item.LivePoints.Where(id => id != item.NewestPointId).ToArray(), now);
        return (int)(long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task FailAsync(
        MixedTransaction transaction, Guid jobId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await JobRows.CloseAsync(transaction.Connection, jobId, cancellationToken);
        await transaction.Session.DecideAsync<BackupJob>(
            jobId, state => BackupJob.Fail(state, "superseded by a newer job of the item", now), cancellationToken);
    }
}
