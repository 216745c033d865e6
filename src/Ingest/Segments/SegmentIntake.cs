using System.IO.Pipelines;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.Segments;

/// <summary>Makes packs of segments.</summary>
/// <remarks>
/// The order <b>must</b> be: intent row, blob, one transaction with index rows and the pack's commit, answer. Each attempt
/// writes a pack of a new name. An attempt that does not get to its transaction leaves an intent and at most a blob that
/// nothing refers to.
/// </remarks>
internal sealed class SegmentIntake(
    NpgsqlDataSource database, IBlobStore blobs, TimeProvider clock, ILogger<SegmentIntake> log)
{
    /// <returns>The receipt of this attempt or of the one that was faster, or why there is none.</returns>
    public async Task<(SegmentReceipt? Receipt, Refusal? Refusal)> StoreAsync(
        JobRow job, int segment, PipeReader body, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var packId = Guid.CreateVersion7(now);
        await database.InsertIntentAsync(job, packId, segment, now, cancellationToken);
        try
        {
            var scanner = await WriteBlobAsync(job.PackBlob(packId), body, cancellationToken);
            if (await database.TryCommitAsync(job, packId, scanner, cancellationToken))
            {
                return (new SegmentReceipt(segment, scanner.Frames.Count, scanner.Length), null);
            }
        }
        catch (InvalidSegmentException e)
        {
            await AbandonAsync(job, packId);
            return (null, new Refusal(ProblemCodes.Integrity, $"The segment is damaged and nothing of it was kept: {e.Message} Send it again."));
        }
        catch (Exception)
        {
            await AbandonAsync(job, packId);
            throw;
        }

        await AbandonAsync(job, packId);
        return await database.FindReceiptAsync(job.Id, segment, cancellationToken) is { } winner
            ? (winner, null)
            : (null, BackupJob.Ended);
    }

    /// <summary>Streams the body into a blob while it is checked. When this returns the blob is durable.</summary>
    private async Task<SegmentScanner> WriteBlobAsync(string name, PipeReader body, CancellationToken cancellationToken)
    {
        var scanner = new SegmentScanner();
        await using var upload = await blobs.CreateAsync(name, cancellationToken);
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            try
            {
                foreach (var piece in read.Buffer)
                {
                    scanner.Push(piece.Span);
                    await upload.WriteAsync(piece, cancellationToken);
                }
            }
            finally
            {
                // Also of a segment that is refused: the server reads the rest away, and the connection can go on.
                body.AdvanceTo(read.Buffer.End);
            }

            if (read.IsCompleted)
            {
                break;
            }
        }

        if (!scanner.Complete() || scanner.Frames.Count == 0)
        {
            throw new InvalidSegmentException(
                scanner.Complete() ? "The segment holds no chunk." : $"The segment is cut off after {scanner.Length} bytes.");
        }

        await upload.CommitAsync(cancellationToken);
        return scanner;
    }

    /// <remarks>Best effort: what stays behind is an intent, or a blob of an abandoned pack, and both can be told by their row.</remarks>
    private async Task AbandonAsync(JobRow job, Guid packId)
    {
        try
        {
            if (await database.TryAbandonAsync(packId, CancellationToken.None))
            {
                await blobs.DeleteAsync(job.PackBlob(packId), CancellationToken.None);
            }
        }
        catch (Exception e) when (e is NpgsqlException or BlobStoreException)
        {
            log.LogWarning(e, "Pack {PackId} of job {JobId} stays behind", packId, job.Id);
        }
    }
}
