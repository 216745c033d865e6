using System.Buffers;
using System.Runtime.ExceptionServices;
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
internal sealed class ChunkStream(ReadingSession session, Guid pointId, Progress progress)
{
    private const int MaxJobs = 3;
    private const int SmallRead = 64;

    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromSeconds(2);

    // Chunks that have not come yet. One thread at a time changes it.
    private readonly HashSet<ChunkId> _outstanding = [];
    private Guid? _open;

    /// <summary>The last job; null before there was one.</summary>
    public Guid? JobId { get; private set; }

    /// <summary>
    /// Brings chunks to the receiver, each once. Where the vault has lost or damaged some, the receiver is told which, and
    /// gets the others.
    /// </summary>
    public async Task FetchAsync(IReadOnlyCollection<ChunkId> ids, IChunkReceiver receiver, CancellationToken cancellation)
    {
        _outstanding.UnionWith(ids);
        await FetchOutstandingAsync(receiver, cancellation);

        // A frame whose id is damaged is nobody's: what was asked for and did not come is told, never passed over in silence.
        foreach (var id in _outstanding)
        {
            receiver.Damaged(id, $"chunk {id} did not come from the vault");
        }

        _outstanding.Clear();
    }

    private async Task FetchOutstandingAsync(IChunkReceiver receiver, CancellationToken cancellation)
    {
        for (var jobs = 0; _outstanding.Count > 0; jobs++)
        {
            if (jobs == MaxJobs)
            {
                await ReadSinglyAsync(receiver, cancellation);
                return;
            }

            var job = await PrepareAsync([.. _outstanding], cancellation);
            if (job.State != RestoreJobState.Failed && await TryReadAsync(job, receiver, cancellation))
            {
                // What damaged frames kept back is asked for by itself.
                jobs = MaxJobs - 1;
                continue;
            }

            _open = null;
            var lost = await LostChunks.FindAsync(session.Ingest, pointId, _outstanding, cancellation);
            foreach (var id in lost)
            {
                receiver.Damaged(id, $"chunk {id} is not in the vault any more");
            }

            _outstanding.ExceptWith(lost);
            if (lost.Count == 0)
            {
                // All are there, so some are not what they were: only reading tells which.
                jobs = MaxJobs - 1;
            }
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

    /// <summary>Streams a job's chunks; what is damaged stays outstanding. False where the platform ended the job because it found damage.</summary>
    private async Task<bool> TryReadAsync(RestoreJobDocument job, IChunkReceiver receiver, CancellationToken cancellation)
    {
        var count = job.Chunks ?? throw AgentException.Failed("The platform did not say how many chunks the restore job has.");
        try
        {
            await OpenAllAsync(
                receiver,
                (frames, stop) => session.Restore.ReadFramesAsync(
                    job.Id, count, (id, payload) => HandOnAsync(frames, id, payload, stop), (_, _) => { }, stop),
                cancellation);
            return true;
        }
        catch (AgentException e) when (e.Code == ProblemCodes.Integrity)
        {
            return false;
        }
    }

    /// <summary>Without a job, in small reads: slower, but a damaged chunk keeps none of the others back.</summary>
    private Task ReadSinglyAsync(IChunkReceiver receiver, CancellationToken cancellation) => OpenAllAsync(
        receiver,
        async (frames, stop) =>
        {
            foreach (var some in _outstanding.ToArray().Chunk(SmallRead))
            {
                await session.Ingest.ReadChunksAsync(
                    pointId, some, (id, payload) => HandOnAsync(frames, id, payload, stop), PassOver(receiver), stop);
            }
        },
        cancellation);

    private Action<ChunkId, string> PassOver(IChunkReceiver receiver) => (id, why) =>
    {
        _outstanding.Remove(id);
        receiver.Damaged(id, why);
    };

    /// <summary>Decrypts on every core what <paramref name="feed"/> brings.</summary>
    private async Task OpenAllAsync(
        IChunkReceiver receiver, Func<ChannelWriter<SealedChunk>, CancellationToken, Task> feed, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var frames = Channel.CreateBounded<SealedChunk>(2 * Environment.ProcessorCount);
        var workers = Enumerable.Range(0, Environment.ProcessorCount)
            .Select(_ => Task.Run(() => OpenAsync(frames.Reader, receiver, stop), CancellationToken.None))
            .ToArray();
        ExceptionDispatchInfo? failure = null;
        try
        {
            await feed(frames.Writer, stop.Token);
        }
        catch (OperationCanceledException e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
            await stop.CancelAsync();
        }
        catch (Exception e)
        {
            // What came before it is still opened.
            failure = ExceptionDispatchInfo.Capture(e);
        }

        frames.Writer.Complete();

        // A worker's own failure explains why the feed was cancelled, so it comes first.
        await Task.WhenAll(workers);
        failure?.Throw();
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
        _outstanding.Remove(id);
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
