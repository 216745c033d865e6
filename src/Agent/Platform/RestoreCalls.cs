using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Platform;

/// <summary>The calls to the restore service.</summary>
internal sealed class RestoreCalls(PlatformClient client)
{
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

    /// <summary>Reads the job's frames in the order of the plan.</summary>
    /// <param name="onDamaged">Told of a chunk that came damaged each time it was asked for.</param>
    public Task ReadFramesAsync(
        Guid jobId,
        long count,
        Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> onFrame,
        Action<ChunkId, string> onDamaged,
        CancellationToken cancellation)
    {
        var run = new FrameRun(count, onFrame, (id, _, why) => onDamaged(id, why));
        var request = new PlatformRequest(Service.Restore, HttpMethod.Get, () => $"api/restore-jobs/{jobId:D}/frames?from={run.Next}")
        {
            Timeout = s_streamHead,
            Progressed = () => run.Next,
        };
        return client.SendAsync(request, run.ReadAsync, cancellation);
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
