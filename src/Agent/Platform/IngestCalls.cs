using System.Collections;
using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Platform;

/// <summary>What a seal led to: the recovery point, or the chunks (the first few thousand) that the vault misses.</summary>
internal sealed record SealAnswer(RecoveryPointDocument? Point, IReadOnlyList<ChunkId> Missing);

/// <summary>The calls to the ingest service.</summary>
internal sealed class IngestCalls(PlatformClient client)
{
    // 16 MiB over a line of 256 kbit/s.
    private static readonly TimeSpan s_segmentTimeout = TimeSpan.FromMinutes(10);

    public Task<BackupJobDocument> OpenAsync(string item, CancellationToken cancellation) => client.SendAsync(
        Ingest(HttpMethod.Post, "api/backup-jobs", PlatformClient.Body(new OpenBackup(item), ContractsJson.Default.OpenBackup)),
        ContractsJson.Default.BackupJobDocument,
        cancellation);

    /// <summary>For each id, whether the vault misses it.</summary>
    public Task<BitArray> FindMissingAsync(Guid jobId, IReadOnlyList<ChunkId> ids, CancellationToken cancellation) =>
        FindMissingAsync($"api/backup-jobs/{jobId:D}/chunks/missing", ids, cancellation);

    /// <summary>For each id, whether the recovery point's chunk is not there any more.</summary>
    public Task<BitArray> FindMissingOfPointAsync(Guid pointId, IReadOnlyList<ChunkId> ids, CancellationToken cancellation) =>
        FindMissingAsync($"api/recovery-points/{pointId:D}/chunks/missing", ids, cancellation);

    public Task<SegmentReceipt> PutSegmentAsync(Guid jobId, int number, ReadOnlyMemory<byte> segment, CancellationToken cancellation) =>
        client.SendAsync(
            Ingest(
                HttpMethod.Put,
                $"api/backup-jobs/{jobId:D}/segments/{number}",
                PlatformClient.Body(segment, ChunkIdLists.FramesMediaType)) with { Timeout = s_segmentTimeout },
            ContractsJson.Default.SegmentReceipt,
            cancellation);

    /// <param name="delta">Writes the seal delta; called at each attempt.</param>
    public Task<SealAnswer> SealAsync(Guid jobId, Func<Stream, Task> delta, CancellationToken cancellation)
    {
        var request = Ingest(
            HttpMethod.Post,
            $"api/backup-jobs/{jobId:D}/seal",
            () => new WrittenContent(delta, ChunkIdLists.SealMediaType)) with
        {
            Expected = HttpStatusCode.Conflict, Timeout = s_segmentTimeout,
        };
        return client.SendAsync(request, ReadSealAnswerAsync, cancellation);
    }

    public Task CancelAsync(Guid jobId, CancellationToken cancellation) => client.SendAsync(
        Ingest(HttpMethod.Delete, $"api/backup-jobs/{jobId:D}"), (_, _) => Task.FromResult(true), cancellation);

    public Task<RecoveryPointDocument> GetPointAsync(Guid pointId, CancellationToken cancellation) => client.SendAsync(
        Ingest(HttpMethod.Get, $"api/recovery-points/{pointId:D}"), ContractsJson.Default.RecoveryPointDocument, cancellation);

    public Task<byte[]> GetManifestAsync(Guid pointId, CancellationToken cancellation) => client.SendAsync(
        Ingest(HttpMethod.Get, $"api/recovery-points/{pointId:D}/manifest"),
        (response, stop) => response.Content.ReadAsByteArrayAsync(stop),
        cancellation);

    /// <summary>Reads up to <see cref="ChunkIdLists.MaxRead"/> chunks of a recovery point, in the order of their ids here.</summary>
    /// <param name="onDamaged">Told of a chunk that came damaged each time it was asked for.</param>
    public Task ReadChunksAsync(
        Guid pointId,
        IReadOnlyList<ChunkId> ids,
        Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> onFrame,
        Action<ChunkId, string> onDamaged,
        CancellationToken cancellation)
    {
        var run = new FrameRun(ids.Count, onFrame, (_, place, why) => onDamaged(ids[(int)place], why));
        var request = new PlatformRequest(
            Service.Ingest,
            HttpMethod.Post,
            $"api/recovery-points/{pointId:D}/chunks",
            () => PlatformClient.Body(ChunkIdRuns.Write([.. ids.Skip((int)run.Next)]), ChunkIdLists.MediaType)())
        {
            Progressed = () => run.Next,
        };
        return client.SendAsync(request, run.ReadAsync, cancellation);
    }

    /// <summary>A machine's recovery points, newest first.</summary>
    public async IAsyncEnumerable<RecoveryPointDocument> ListPointsAsync(
        Guid machineId, string? item, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        string? after = null;
        do
        {
            var query = $"api/machines/{machineId:D}/recovery-points?limit=1000"
                + (item is null ? "" : $"&item={Uri.EscapeDataString(item)}")
                + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");
            var page = await client.SendAsync(
                Ingest(HttpMethod.Get, query), ContractsJson.Default.PageRecoveryPointDocument, cancellation);
            foreach (var point in page.Items)
            {
                yield return point;
            }

            after = page.Next;
        }
        while (after is not null);
    }

    private static PlatformRequest Ingest(HttpMethod method, string path, Func<HttpContent>? content = null) =>
        new(Service.Ingest, method, path, content);

    private Task<BitArray> FindMissingAsync(string path, IReadOnlyList<ChunkId> ids, CancellationToken cancellation) => client.SendAsync(
        Ingest(HttpMethod.Post, path, PlatformClient.Body(ChunkIdRuns.Write(ids), ChunkIdLists.MediaType)),
        async (response, stop) =>
        {
            var bits = await response.Content.ReadAsByteArrayAsync(stop);
            return bits.Length == (ids.Count + 7) / 8
                ? new BitArray(bits) { Length = ids.Count }
                : throw AgentException.Failed("The platform answered a question about chunks with too few or too many bits.");
        },
        cancellation);

    private static async Task<SealAnswer> ReadSealAnswerAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.IsSuccessStatusCode)
        {
            return new SealAnswer(
                await PlatformClient.ReadAsync(response, ContractsJson.Default.RecoveryPointDocument, cancellation), []);
        }

        if (response.Content.Headers.ContentType?.MediaType != ChunkIdLists.MediaType)
        {
            throw PlatformRefusal.Of(
                await PlatformClient.ReadAsync(response, ContractsJson.Default.ProblemDocument, cancellation), (int)response.StatusCode);
        }

        return new SealAnswer(null, ChunkIdRuns.Read(await response.Content.ReadAsByteArrayAsync(cancellation)));
    }
}
