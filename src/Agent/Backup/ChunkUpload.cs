using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// Brings chunks into the vault: asks in batches which are missing there, compresses and encrypts those on every core,
/// and sends them in segments, a few at a time. Plaintext waiting is bounded by <see cref="MaxPlainBytes"/>, sealed data by
/// the segments in <see cref="SegmentQueue"/>.
/// </summary>
internal sealed class ChunkUpload : IAsyncDisposable
{
    private const int MaxPlainBytes = 32 * 1024 * 1024;

    private readonly IngestCalls _ingest;
    private readonly Guid _jobId;
    private readonly KeyRing _keys;
    private readonly MemoryBudget _budget = new(MaxPlainBytes);

    // Unbounded in number: what waits in them has been granted by the budget.
    private readonly Channel<PlainChunk> _unasked = Channel.CreateUnbounded<PlainChunk>(new() { SingleReader = true });
    private readonly Channel<PlainChunk> _missing = Channel.CreateUnbounded<PlainChunk>(new() { SingleWriter = true });
    private readonly SegmentQueue _segments;
    private readonly CancellationTokenSource _stop;
    private readonly List<Task> _tasks = [];
    private ExceptionDispatchInfo? _failure;
    private long _sent;

    public ChunkUpload(
        IngestCalls ingest, Guid jobId, KeyRing keys, int firstSegment, Progress progress, CancellationToken cancellation)
    {
        (_ingest, _jobId, _keys) = (ingest, jobId, keys);
        _segments = new SegmentQueue(ingest, jobId, firstSegment, progress);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _tasks.Add(Guard(AskAsync));
        _tasks.Add(Guard(SealOnAllCoresAsync));
        _tasks.AddRange(_segments.Start(Guard));
    }

    /// <summary>Chunks that the vault lacked and that were sent.</summary>
    public long ChunksSent => Interlocked.Read(ref _sent);

    /// <summary>Bytes of the segments that were acknowledged.</summary>
    public long BytesSent => _segments.BytesSent;

    /// <summary>The number that a later upload of the same job goes on with.</summary>
    public int NextSegment => _segments.Next;

    /// <summary>Hands over a chunk; waits while too much is under way. The content is copied.</summary>
    public async ValueTask AddAsync(ChunkKind kind, ChunkId id, ReadOnlyMemory<byte> content)
    {
        try
        {
            await _budget.TakeAsync(content.Length, _stop.Token);
            await _unasked.Writer.WriteAsync(PlainChunk.Copy(kind, id, content.Span), _stop.Token);
        }
        catch (OperationCanceledException)
        {
            _failure?.Throw();
            throw;
        }
    }

    /// <summary>Waits until everything handed over is durable in the vault.</summary>
    public async Task CompleteAsync()
    {
        _unasked.Writer.TryComplete();
        await Task.WhenAll(_tasks);
        _failure?.Throw();
        _stop.Token.ThrowIfCancellationRequested();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _unasked.Writer.TryComplete();
        await Task.WhenAll(_tasks);
        _segments.Dispose();
        _stop.Dispose();
    }

    /// <summary>Runs a part; its failure ends all others, and is what the caller gets to see.</summary>
    private Task Guard(Func<CancellationToken, Task> part) => Task.Run(async () =>
    {
        try
        {
            await part(_stop.Token);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            await _stop.CancelAsync();
        }
    });

    private async Task AskAsync(CancellationToken stop)
    {
        var batch = new List<PlainChunk>();
        while (await _unasked.Reader.WaitToReadAsync(stop))
        {
            // What came while the last question was under way makes the next one: no waiting, and few questions.
            while (batch.Count < ChunkIdLists.MaxQuestion && _unasked.Reader.TryRead(out var chunk))
            {
                batch.Add(chunk);
            }

            var missing = await _ingest.FindMissingAsync(_jobId, batch.ConvertAll(chunk => chunk.Id), stop);
            for (var i = 0; i < batch.Count; i++)
            {
                if (missing[i])
                {
                    await _missing.Writer.WriteAsync(batch[i], stop);
                }
                else
                {
                    Release(batch[i]);
                }
            }

            batch.Clear();
        }

        _missing.Writer.Complete();
    }

    private async Task SealOnAllCoresAsync(CancellationToken stop)
    {
        await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(() => SealAsync(stop), stop)));
        await _segments.FinishAsync(stop);
    }

    private async Task SealAsync(CancellationToken stop)
    {
        using var sealer = new ChunkSealer(_keys);
        var sealedChunk = new byte[SegmentFormat.MaxSealedChunkBytes];
        await foreach (var chunk in _missing.Reader.ReadAllAsync(stop))
        {
            var length = sealer.Seal(chunk.Kind, chunk.Id, chunk.Content, sealedChunk);
            Release(chunk);
            await _segments.AppendAsync(chunk.Id, sealedChunk.AsMemory(0, length), stop);
            Interlocked.Increment(ref _sent);
        }
    }

    private void Release(PlainChunk chunk)
    {
        chunk.Release();
        _budget.Return(chunk.Length);
    }
}
