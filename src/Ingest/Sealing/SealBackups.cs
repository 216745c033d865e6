using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;

namespace BackupPlatform.IngestService.Sealing;

/// <summary>What a seal comes to: exactly one of these is set.</summary>
/// <param name="MissingIds">A run of ids of chunks that have to be sent first.</param>
internal sealed record SealOutcome(Guid? PointId = null, byte[]? MissingIds = null, Refusal? Refusal = null);

/// <summary>Makes a backup job a recovery point.</summary>
/// <remarks>
/// The order <b>must</b> be: packs durable, index rows committed, the point's blob durable, then one transaction with spans,
/// the point's row and the events. Only what that transaction has committed can be seen.
/// </remarks>
internal sealed class SealBackups(
    ExclusiveCommands commands, SealIntake intake, IBlobStore blobs, ILogger<SealBackups> log)
{
    public async Task<SealOutcome> SealAsync(BackupJob job, Stream body, CancellationToken cancellationToken)
    {
        var (seal, refusal) = await intake.StageAsync(job, body, cancellationToken);
        if (seal is null)
        {
            return new SealOutcome(Refusal: refusal);
        }

        // An agent that waits no longer finds the point sealed when it asks again: not cancelled with its request.
        // Where this throws nobody knows whether it was committed, and the blob stays.
        var outcome = await CommitAsync(job, seal, CancellationToken.None);
        if (outcome.PointId != seal.PointId)
        {
            await DeleteAsync(seal);
        }

        return outcome;
    }

    private async Task<SealOutcome> CommitAsync(BackupJob job, StagedSeal seal, CancellationToken cancellationToken)
    {
        SealOutcome outcome = new();
        var decision = await commands.RunInVaultAsync(
            job.VaultId,
            job.ItemId,
            async transaction =>
            {
                var current = await transaction.Session.LoadAsync<BackupJob>(job.Id, cancellationToken);
                if (current is { State: BackupJobState.Sealed, RecoveryPointId: { } pointId })
                {
                    // The same seal came twice, and the other was faster.
                    outcome = new SealOutcome(PointId: pointId);
                    return Decision.Nothing;
                }

                outcome = new SealOutcome(PointId: seal.PointId);
                return await ApplyAsync(transaction, job, seal, missing => outcome = new SealOutcome(MissingIds: missing), cancellationToken);
            },
            cancellationToken);
        return outcome.MissingIds is null && decision.Refusal is { } refusal ? new SealOutcome(Refusal: refusal) : outcome;
    }

    private async Task<Decision> ApplyAsync(
        MixedTransaction transaction, BackupJob job, StagedSeal seal, Action<byte[]> missing, CancellationToken cancellationToken)
    {
        var (session, connection) = transaction;
        // First, so that no segment of the job is being committed meanwhile.
        await JobRows.CloseAsync(connection, job.Id, cancellationToken);
        await using (var delta = await blobs.OpenReadAsync(seal.Blob, PointBlobHeader.Size, null, cancellationToken)
            ?? throw new StoreUnavailableException($"The blob {seal.Blob}, just written, is not there."))
        {
            await SealRows.LoadAsync(connection, delta, cancellationToken);
        }

        var ended = await session.DecideAsync<BackupJob>(
            job.Id, state => BackupJob.Seal(state, seal.PointId, seal.CreatedAt), cancellationToken);
        if (ended.Refusal is not null)
        {
            return ended;
        }

        var dropped = seal.Dropped;
        if (seal.ListsAll && job.BaseSequence > 0)
        {
            dropped += await SealRows.CompareWithBaseAsync(connection, job, cancellationToken);
        }

        if (await SealRows.MissingAsync(connection, job, cancellationToken) is { Length: > 0 } ids)
        {
            missing(ids);
            return Refusal.Unavailable("Chunks are missing.");
        }

        if (await SealRows.MoveSpansAsync(connection, job, dropped, cancellationToken) is { } unfit)
        {
            return unfit;
        }

        var (stored, uploaded) = await SealRows.ClaimPacksAsync(connection, job, seal.PointId, cancellationToken);
        var point = new RecoveryPointSealed(
            job.ItemId, job.SubscriptionId, job.VaultId, job.MachineId, job.Item, job.Id, seal.PointId, job.Sequence,
            job.BaseSequence, job.TimeZone, stored + PointBlobHeader.Size + seal.Bytes, uploaded + seal.Bytes, seal.CreatedAt);
        await SealRows.InsertPointAsync(connection, point, seal.Header, cancellationToken);
        return await session.DecideAsync<MachineItem>(job.ItemId, state => MachineItem.Seal(state, point), cancellationToken);
    }

    /// <remarks>Best effort: an orphan does no harm, see <see cref="PointBlobHeader"/>.</remarks>
    private async Task DeleteAsync(StagedSeal seal)
    {
        try
        {
            await blobs.DeleteAsync(seal.Blob, CancellationToken.None);
        }
        catch (BlobStoreException e)
        {
            log.LogWarning(e, "The blob {Blob} of a refused seal stays behind", seal.Blob);
        }
    }
}
