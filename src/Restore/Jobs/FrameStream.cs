using System.Buffers;
using System.Runtime.CompilerServices;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>Stored data that a restore needs is missing or not what it was.</summary>
internal sealed class DamageException(string message) : Exception(message);

/// <summary>Streams the frames of a plan, in the plan's order. Memory: one buffer, and the plan's table of packs.</summary>
internal sealed class FrameStream(IBlobStore blobs, string planBlob)
{
    private const int BufferSize = 1024 * 1024;

    /// <param name="from">Number of the first entry, from 0; the number of all entries gives an empty run.</param>
    /// <param name="beatAsync">Called between reads.</param>
    /// <exception cref="RefusedException"><paramref name="from"/> is out of range.</exception>
    /// <exception cref="DamageException">Plan or pack is missing or damaged.</exception>
    /// <exception cref="BlobStoreException">The store does not answer.</exception>
    public async Task WriteAsync(
        HttpResponse response, long from, Func<CancellationToken, ValueTask> beatAsync, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var head = await ReadHeadAsync(cancellationToken);
            if (from < 0 || from > head.EntryCount)
            {
                throw new RefusedException(Refusal.Invalid("from", $"'from' is 0 to {head.EntryCount}."));
            }

            await using var plan = await OpenPlanAsync(head.OffsetOf(from), cancellationToken);
            response.ContentType = ChunkIdLists.FramesMediaType;
            await foreach (var range in RangesAsync(RestorePlan.ReadEntriesAsync(plan, head, from, cancellationToken), cancellationToken))
            {
                await CopyAsync(head, range, response.Body, buffer, beatAsync, cancellationToken);
            }
        }
        catch (InvalidRestorePlanException damaged)
        {
            throw new DamageException($"The restore plan is damaged: {damaged.Message} Request a new restore job.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Joins entries that lie side by side, so that they are read in one go.</summary>
    internal static async IAsyncEnumerable<PackRange> RangesAsync(
        IAsyncEnumerable<RestorePlanEntry> entries, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PackRange? open = null;
        await foreach (var entry in entries.WithCancellation(cancellationToken))
        {
            if (open is { } range && range.Pack == entry.Pack && range.Offset + range.Length == entry.Offset)
            {
                open = range with { Length = range.Length + entry.Length };
                continue;
            }

            if (open is { } done)
            {
                yield return done;
            }

            open = new PackRange(entry.Pack, entry.Offset, entry.Length);
        }

        if (open is { } last)
        {
            yield return last;
        }
    }

    private async Task<RestorePlanHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        await using var plan = await OpenPlanAsync(0, cancellationToken);
        return await RestorePlan.ReadHeadAsync(plan, cancellationToken);
    }

    private async Task<Stream> OpenPlanAsync(long offset, CancellationToken cancellationToken) =>
        await blobs.OpenReadAsync(planBlob, offset, length: null, cancellationToken)
            ?? throw new DamageException("The restore plan is missing; request a new restore job.");

    private async Task CopyAsync(
        RestorePlanHead head,
        PackRange range,
        Stream response,
        byte[] buffer,
        Func<CancellationToken, ValueTask> beatAsync,
        CancellationToken cancellationToken)
    {
        await using var pack = await blobs.OpenReadAsync(head.PackBlob(range.Pack), range.Offset, range.Length, cancellationToken)
            ?? throw new DamageException($"Pack {head.Packs[range.Pack]:D} is missing.");
        for (var left = range.Length; left > 0;)
        {
            var wanted = (int)Math.Min(left, BufferSize);
            var read = await pack.ReadAtLeastAsync(buffer.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, cancellationToken);
            if (read < wanted)
            {
                throw new DamageException(
                    $"Pack {head.Packs[range.Pack]:D} is cut off: it ends {left - read} bytes before byte {range.Offset + range.Length}.");
            }

            await response.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            left -= read;
            await beatAsync(cancellationToken);
        }
    }
}

/// <summary>A run of bytes of one pack.</summary>
/// <param name="Pack">Index in the plan's table of packs.</param>
internal readonly record struct PackRange(int Pack, long Offset, long Length);
