using BackupPlatform.Contracts;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.Sealing;

/// <summary>A seal delta that is durable and whole, and adds up.</summary>
/// <param name="Blob">The recovery point's blob.</param>
/// <param name="Bytes">Length of the seal delta.</param>
internal sealed record StagedSeal(
    Guid PointId, DateTimeOffset CreatedAt, string Blob, SealDeltaHeader Header, long Added, long Dropped, long Bytes)
{
    /// <summary>Whether it lists all chunks of the point rather than the difference to its base, whose catalog the agent could not read.</summary>
    public bool ListsAll => Header.BaseSequence == 0;
}

/// <summary>Streams a seal delta into the recovery point's blob and checks what can be checked without the index.</summary>
internal sealed class SealIntake(NpgsqlDataSource database, IBlobStore blobs, TimeProvider clock)
{
    /// <returns>The staged seal, whose blob is durable, or why it is refused; then nothing stays behind.</returns>
    public async Task<(StagedSeal? Seal, Refusal? Refusal)> StageAsync(
        BackupJob job, Stream body, CancellationToken cancellationToken)
    {
        // To the microsecond, as the database keeps it.
        var now = clock.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var header = new PointBlobHeader(
            Guid.CreateVersion7(now), job.BasePointId, job.SubscriptionId, job.Sequence, job.BaseSequence, now, job.Item);
        var name = BlobNames.Point(job.VaultId, job.MachineId, job.Item, job.Sequence, header.RecoveryPointId);
        try
        {
            await using var upload = await blobs.CreateAsync(name, cancellationToken);
            await upload.WriteAsync(header.ToArray(), cancellationToken);
            await using var copied = new CopyingStream(body, upload);
            var delta = await SealDeltaReader.OpenAsync(copied, cancellationToken);
            if (Mismatch(job, delta.Header) is { } mismatch)
            {
                return (null, mismatch);
            }

            var basis = await database.BaseSetAsync(job.ItemId, delta.Header.BaseSequence, cancellationToken);
            if (await CheckSumAsync(delta, basis, cancellationToken) is { } wrong)
            {
                return (null, wrong);
            }

            await upload.CommitAsync(cancellationToken);
            return (new StagedSeal(
                header.RecoveryPointId, now, name, delta.Header, delta.AddedCount, delta.DroppedCount, upload.Length - PointBlobHeader.Size), null);
        }
        catch (InvalidSealDeltaException e)
        {
            return (null, new Refusal(ProblemCodes.Integrity, $"The seal is damaged and nothing of it was kept: {e.Message} Send it again."));
        }
    }

    private static Refusal? Mismatch(BackupJob job, SealDeltaHeader header) =>
        (header.BaseSequence == job.BaseSequence || header.BaseSequence == 0) && header.Sequence == job.Sequence
            ? null
            : new Refusal(
                ProblemCodes.Conflict,
                $"The job makes point {job.Sequence} on base {job.BaseSequence}, the seal makes {header.Sequence} on {header.BaseSequence}; open a new backup job.");

    /// <summary>Reads all ids: base, additions and removals must come to the count and the set hash that the agent claims.</summary>
    private static async Task<Refusal?> CheckSumAsync(SealDeltaReader delta, BaseSet basis, CancellationToken cancellationToken)
    {
        var hash = basis.Hash;
        while (await delta.ReadAsync(cancellationToken) is var kind and not SealDeltaBlock.End)
        {
            foreach (var id in delta.Ids.Span)
            {
                if (kind == SealDeltaBlock.Added)
                {
                    hash.Add(id);
                }
                else
                {
                    hash.Remove(id);
                }
            }
        }

        var count = basis.ChunkCount + delta.AddedCount - delta.DroppedCount;
        return count == delta.Header.ChunkCount && hash == delta.Header.SetHash
            ? null
            : new Refusal(
                ProblemCodes.Integrity,
                $"The seal claims {delta.Header.ChunkCount} chunks and does not add up: base, additions and removals come to {count} chunks{(count == delta.Header.ChunkCount ? " of another hash" : "")}. Run the backup again.");
    }

    /// <summary>Hands on what is read, after it has been written to the blob.</summary>
    private sealed class CopyingStream(Stream source, BlobUpload copy) : ForwardStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await source.ReadAsync(buffer, cancellationToken);
            await copy.WriteAsync(buffer[..read], cancellationToken);
            return read;
        }

        public override int Read(Span<byte> buffer) => throw new NotSupportedException();
    }
}
