using System.Buffers;
using System.Threading.Channels;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Output;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Restore;

/// <summary>What a chunk that came from the vault is given to, on several threads at once.</summary>
internal interface IChunkReceiver
{
    /// <summary>A chunk that decrypted to what was backed up; the content is valid during the call.</summary>
    void Receive(ChunkId id, ReadOnlySpan<byte> content);

    /// <summary>A chunk that did not.</summary>
    void Damaged(ChunkId id, string why);
}

/// <summary>
/// A restore job: asks for chunks, waits until the platform has found them, and streams them in the order of the packs,
/// decrypted on every core. Memory: a few chunks for each core.
/// </summary>
internal sealed class ChunkStream(MachineSession session, Guid pointId, Progress progress)
{
    private const int MaxJobs = 3;

    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromSeconds(2);

    private Guid? _open;

    /// <summary>The last job; null before there was one.</summary>
    public Guid? JobId { get; private set; }

    /// <summary>
    /// Brings chunks to the receiver, each once. Where the vault has lost some, the receiver is told which, and gets the
    /// others.
    /// </summary>
    public async Task FetchAsync(IReadOnlyCollection<ChunkId> ids, IChunkReceiver receiver, CancellationToken cancellation)
    {
        var wanted = ids;
        for (var jobs = 1; wanted.Count > 0; jobs++)
        {
            var job = await PrepareAsync(wanted, cancellation);
            if (job.State != RestoreJobState.Failed)
            {
                await ReadAsync(job, receiver, cancellation);
                return;
            }

            _open = null;
            var lost = await LostChunks.FindAsync(session.Ingest, pointId, wanted, cancellation);
            if (lost.Count == 0 || jobs == MaxJobs)
            {
                throw AgentException.Damaged($"The vault cannot give the data: {job.Reason}");
            }

            foreach (var id in lost)
            {
                receiver.Damaged(id, $"chunk {id} is not in the vault any more");
            }

            wanted = wanted.Where(id => !lost.Contains(id)).ToList();
        }
    }

    /// <summary>Begins a job and waits until it can be streamed, or has failed because chunks are lost.</summary>
    private async Task<RestoreJobDocument> PrepareAsync(IReadOnlyCollection<ChunkId> ids, CancellationToken cancellation)
    {
        var job = await session.Restore.RequestAsync(pointId, cancellation);
        (_open, JobId) = (job.Id, job.Id);
        await session.Restore.SelectAsync(job.Id, ids, cancellation);
        for (var pause = s_firstPoll; ; pause = pause < s_longestPoll ? pause * 1.5 : s_longestPoll)
        {
            job = await session.Restore.GetAsync(job.Id, cancellation);
            switch (job.State)
            {
                case RestoreJobState.Ready or RestoreJobState.Streaming:
                case RestoreJobState.Failed when job.Code == ProblemCodes.Integrity:
                    return job;
                case RestoreJobState.Requested or RestoreJobState.Planning:
                    await Task.Delay(pause, cancellation);
                    break;
                default:
                    throw new AgentException(
                        ExitCodes.OfProblem(job.Code), job.Code ?? "failed", $"The restore job ended as {job.State}: {job.Reason}");
            }
        }
    }

    /// <summary>Streams a job's chunks to the receiver, each at least once.</summary>
    private async Task ReadAsync(RestoreJobDocument job, IChunkReceiver receiver, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var frames = Channel.CreateBounded<SealedChunk>(2 * Environment.ProcessorCount);
        var workers = Enumerable.Range(0, Environment.ProcessorCount)
            .Select(_ => Task.Run(() => OpenAsync(frames.Reader, receiver, stop), CancellationToken.None))
            .ToArray();
        Exception? failure = null;
        try
        {
            var count = job.Chunks ?? throw AgentException.Failed("The platform did not say how many chunks the restore job has.");
            await session.Restore.ReadFramesAsync(
                job.Id, count, (id, payload) => HandOnAsync(frames.Writer, id, payload, stop.Token), receiver.Damaged, stop.Token);
        }
        catch (Exception e)
        {
            failure = e;
            await stop.CancelAsync();
        }

        frames.Writer.Complete();
        try
        {
            // A worker's own failure explains the cancellation of the others.
            await Task.WhenAll(workers);
        }
        catch (OperationCanceledException) when (failure is not null and not OperationCanceledException)
        {
        }

        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Tells the platform how it ended, so that it can let go of the chunks.</summary>
    public async Task FinishAsync(bool succeeded, CancellationToken cancellation)
    {
        if (_open is { } job)
        {
            await session.Restore.FinishAsync(job, succeeded, succeeded ? null : "Some of it could not be restored.", cancellation);
            _open = null;
        }
    }

    /// <summary>Lets go of a job that is not finished, briefly: the platform ends it by itself some time later, too.</summary>
    public async Task AbandonAsync()
    {
        if (_open is not { } job)
        {
            return;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await session.Restore.CancelAsync(job, limit.Token);
        }
        catch (Exception e) when (e is AgentException or OperationCanceledException)
        {
        }
    }

    private async ValueTask HandOnAsync(
        ChannelWriter<SealedChunk> frames, ChunkId id, ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(buffer);
        await frames.WriteAsync(new SealedChunk(id, buffer, payload.Length), stop);
        progress.AddTransferred(payload.Length + SegmentFormat.FrameHeaderSize);
    }

    private async Task OpenAsync(ChannelReader<SealedChunk> frames, IChunkReceiver receiver, CancellationTokenSource stop)
    {
        try
        {
            using var sealer = new ChunkSealer(session.Keys);
            var plain = new byte[ChunkSealer.MaxPlainLength];
            await foreach (var chunk in frames.ReadAllAsync(stop.Token))
            {
                Open(sealer, chunk, plain, receiver);
                ArrayPool<byte>.Shared.Return(chunk.Buffer);
            }
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private static void Open(ChunkSealer sealer, SealedChunk chunk, byte[] plain, IChunkReceiver receiver)
    {
        int length;
        try
        {
            length = sealer.Open(ChunkKind.Data, chunk.Id, chunk.Buffer.AsSpan(0, chunk.Length), plain);
        }
        catch (DamagedDataException e)
        {
            receiver.Damaged(chunk.Id, e.Message);
            return;
        }

        receiver.Receive(chunk.Id, plain.AsSpan(0, length));
    }

    private readonly record struct SealedChunk(ChunkId Id, byte[] Buffer, int Length);
}
