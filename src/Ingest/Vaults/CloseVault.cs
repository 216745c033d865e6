using BackupPlatform.Contracts.Vaults;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.Platform.EventStore;
using MassTransit;
using Npgsql;

namespace BackupPlatform.IngestService.Vaults;

internal sealed class VaultClosingConsumer(CloseVaults vaults) : IConsumer<VaultClosing>
{
    public Task Consume(ConsumeContext<VaultClosing> context) => vaults.AnswerAsync(context.Message, context.CancellationToken);
}

/// <summary>
/// Decides whether a vault can go. It holds the vault's lock alone, which whoever opens or seals a job shares: what was sealed before
/// is counted, and after an answer of none no job opens and none is left that could be sealed.
/// </summary>
internal sealed class CloseVaults(ExclusiveCommands commands, TimeProvider clock)
{
    public Task AnswerAsync(VaultClosing closing, CancellationToken cancellationToken) => commands.RunAsync(
        closing.StreamId,
        async transaction =>
        {
            var now = clock.GetUtcNow();
            var points = await CountPointsAsync(transaction.Connection, closing.StreamId, cancellationToken);
            var decision = await transaction.Session.DecideAsync<VaultClosure>(
                closing.StreamId,
                state => VaultClosure.Answer(state, closing.StreamId, closing.Version, points, now),
                cancellationToken);
            if (decision.Events.Count > 0 && points == 0)
            {
                await EndJobsAsync(transaction, closing.StreamId, now, cancellationToken);
            }

            return decision;
        },
        cancellationToken);

    private static async Task<long> CountPointsAsync(NpgsqlConnection connection, Guid vaultId, CancellationToken cancellationToken)
    {
        await using var command = connection.Bulk(
            """
            select count(*) from bulk.recovery_points p left join bulk.point_retention r on r.point_id = p.id
            where p.vault_id = $1 and not coalesce(r.expired or r.purged, false)
            """,
            vaultId);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <remarks>As many as the vault has items at most. They end with the answer, in one transaction.</remarks>
    private static async Task EndJobsAsync(
        MixedTransaction transaction, Guid vaultId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var (jobId, itemId) in await JobRows.OpenInVaultAsync(transaction.Connection, vaultId, cancellationToken))
        {
            await JobRows.CloseAsync(transaction.Connection, jobId, cancellationToken);
            await transaction.Session.DecideAsync<BackupJob>(
                jobId, state => BackupJob.Fail(state, "the vault was deleted", now), cancellationToken);
            await transaction.Session.DecideAsync<MachineItem>(itemId, state => MachineItem.End(state, jobId, now), cancellationToken);
        }
    }
}
