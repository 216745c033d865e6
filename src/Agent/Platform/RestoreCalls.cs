using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Platform;

/// <summary>The calls to the restore service.</summary>
internal sealed class RestoreCalls(PlatformClient client)
{
    // A frame that is cut off or damaged on the way comes whole the next time; one that is damaged in the vault does not.
    private const int DamagedAttempts = 3;

    private static readonly TimeSpan s_streamHead = TimeSpan.FromMinutes(5);

    public Task<RestoreJobDocument> RequestAsync(Guid pointId, CancellationToken cancellation) => client.SendAsync(
        Restore(HttpMethod.Post, "api/restore-jobs", PlatformClient.Body(new RequestRestore(pointId), ContractsJson.Default.RequestRestore)),
        ContractsJson.Default.RestoreJobDocument,
        cancellation);

    /// <summary>Says which chunks are wanted; the planning begins.</summary>
    public Task SelectAsync(Guid jobId, IReadOnlyCollection<ChunkId> ids, CancellationToken cancellation) => client.SendAsync(
        Restore(
            HttpMethod.Put,
            $"api/restore-jobs/{jobId:D}/selection",
            () => new WrittenContent(stream => WriteIdsAsync(ids, stream, cancellation), ChunkIdLists.MediaType)) with
        {
            Timeout = s_streamHead,
        },
        (_, _) => Task.FromResult(true),
        cancellation);

    public Task<RestoreJobDocument> GetAsync(Guid jobId, CancellationToken cancellation) => client.SendAsync(
        Restore(HttpMethod.Get, $"api/restore-jobs/{jobId:D}"), ContractsJson.Default.RestoreJobDocument, cancellation);

    /// <summary>
    /// Reads the job's frames in the order of the plan, and goes on where it was when the stream breaks. Each frame is valid
    /// until the task that it was given to is done.
    /// </summary>
    /// <param name="onDamaged">Told of a frame that came damaged each time it was asked for; it is passed over then.</param>
    public async Task ReadFramesAsync(
        Guid jobId,
        long count,
        Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> onFrame,
        Action<ChunkId, string> onDamaged,
        CancellationToken cancellation)
    {
        long next = 0;
        var damagedAt = (Frame: -1L, Times: 0);
        var request = new PlatformRequest(Service.Restore, HttpMethod.Get, () => $"api/restore-jobs/{jobId:D}/frames?from={next}")
        {
            Timeout = s_streamHead,
            Progressed = () => next,
        };
        await client.SendAsync(request, ReadAsync, cancellation);

        async Task<bool> ReadAsync(HttpResponseMessage response, CancellationToken stop)
        {
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            var frames = new FrameReader(body);
            try
            {
                while (next < count && await frames.ReadAsync(stop))
                {
                    await onFrame(frames.Current.Id, frames.Payload);
                    next++;
                }
            }
            catch (InvalidSegmentException e)
            {
                damagedAt = (next, damagedAt.Frame == next ? damagedAt.Times + 1 : 1);
                if (damagedAt.Times == DamagedAttempts)
                {
                    onDamaged(frames.Current.Id, e.Message);
                    next++;
                }

                throw new IOException(e.Message, e);
            }

            return next >= count ? true : throw new IOException("the stream ended before the last chunk");
        }
    }

    public Task FinishAsync(Guid jobId, bool succeeded, string? reason, CancellationToken cancellation) => client.SendAsync(
        Restore(
            HttpMethod.Post,
            $"api/restore-jobs/{jobId:D}/completion",
            PlatformClient.Body(new FinishRestore(succeeded, reason), ContractsJson.Default.FinishRestore)),
        (_, _) => Task.FromResult(true),
        cancellation);

    public Task CancelAsync(Guid jobId, CancellationToken cancellation) => client.SendAsync(
        Restore(HttpMethod.Delete, $"api/restore-jobs/{jobId:D}"), (_, _) => Task.FromResult(true), cancellation);

    private static PlatformRequest Restore(HttpMethod method, string path, Func<HttpContent>? content = null) =>
        new(Service.Restore, method, path, content);

    private static async Task WriteIdsAsync(IReadOnlyCollection<ChunkId> ids, Stream stream, CancellationToken cancellation)
    {
        const int batch = 4096;
        foreach (var some in ids.Chunk(batch))
        {
            await stream.WriteAsync(ChunkIdRuns.Write(some), cancellation);
        }
    }
}
