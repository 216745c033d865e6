using System.Threading.Channels;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// Fills segments with sealed chunks and sends the full ones, <see cref="InFlight"/> at a time. Segments go round: one is
/// filled while the others are sent, and a slow connection makes whoever fills wait. For all segments together at most
/// (<see cref="InFlight"/> + 1) times <see cref="TargetBytes"/> and a chunk.
/// </summary>
internal sealed class SegmentQueue(IngestCalls ingest, Guid jobId, int firstSegment, Progress progress) : IDisposable
{
    private const int InFlight = 2;

    // A segment is what is sent again when a connection breaks, and what becomes a pack.
    private const int TargetBytes = 16 * 1024 * 1024;

    private readonly Channel<SegmentWriter> _empty = Channel.CreateBounded<SegmentWriter>(InFlight + 1);
    private readonly Channel<(int Number, SegmentWriter Segment)> _full =
        Channel.CreateBounded<(int, SegmentWriter)>(InFlight + 1);
    private readonly SemaphoreSlim _filling = new(1);
    private SegmentWriter _current = new();
    private int _next = firstSegment;
    private long _bytes;

    public int Next => _next;

    public long BytesSent => Interlocked.Read(ref _bytes);

    /// <summary>Starts the senders.</summary>
    public IEnumerable<Task> Start(Func<Func<CancellationToken, Task>, Task> run)
    {
        for (var i = 0; i < InFlight; i++)
        {
            _empty.Writer.TryWrite(new SegmentWriter());
        }

        return Enumerable.Range(0, InFlight).Select(_ => run(SendAsync)).ToList();
    }

    /// <summary>Adds a sealed chunk to the segment being filled; waits for a free segment where that one is full.</summary>
    public async ValueTask AppendAsync(ChunkId id, ReadOnlyMemory<byte> sealedChunk, CancellationToken stop)
    {
        await _filling.WaitAsync(stop);
        try
        {
            if (!_current.TryAppend(id, sealedChunk.Span))
            {
                await HandOverAsync(stop);
                _current.TryAppend(id, sealedChunk.Span);
            }

            if (_current.Written.Length >= TargetBytes)
            {
                await HandOverAsync(stop);
            }
        }
        finally
        {
            _filling.Release();
        }
    }

    /// <summary>Hands over what is left; nothing may be appended afterwards.</summary>
    public async Task FinishAsync(CancellationToken stop)
    {
        if (_current.Count > 0)
        {
            await _full.Writer.WriteAsync((_next++, _current), stop);
        }

        _full.Writer.Complete();
    }

    public void Dispose() => _filling.Dispose();

    private async ValueTask HandOverAsync(CancellationToken stop)
    {
        await _full.Writer.WriteAsync((_next++, _current), stop);
        _current = await _empty.Reader.ReadAsync(stop);
    }

    private async Task SendAsync(CancellationToken stop)
    {
        await foreach (var (number, segment) in _full.Reader.ReadAllAsync(stop))
        {
            await ingest.PutSegmentAsync(jobId, number, segment.Written, stop);
            Interlocked.Add(ref _bytes, segment.Written.Length);
            progress.AddTransferred(segment.Written.Length);
            segment.Reset();
            await _empty.Writer.WriteAsync(segment, stop);
        }
    }
}
