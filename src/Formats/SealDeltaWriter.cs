using System.Buffers.Binary;
using System.IO.Hashing;

namespace BackupPlatform.Formats;

/// <summary>
/// Writes a seal delta to a stream: first every added id, then every dropped one, each strictly ascending. Memory: one
/// block. The stream stays the caller's.
/// </summary>
public sealed class SealDeltaWriter
{
    private readonly Stream _stream;
    private readonly XxHash3 _hash = new();
    private readonly byte[] _block = new byte[SealDelta.BlockHeadSize + SealDelta.MaxBlockIds * ChunkId.Size];
    private SealDeltaBlock _kind = SealDeltaBlock.Added;
    private int _count;
    private ChunkId? _last;
    private bool _complete;

    private SealDeltaWriter(Stream stream) => _stream = stream;

    /// <summary>Writes the header and gives the writer for the ids.</summary>
    /// <exception cref="ArgumentException">A field of the header is out of its range.</exception>
    public static async ValueTask<SealDeltaWriter> CreateAsync(
        Stream stream, SealDeltaHeader header, CancellationToken cancellationToken = default)
    {
        if (SealDelta.Fault(header, header.SealedManifest.Length) is { } fault) throw new ArgumentException(fault, nameof(header));
        var writer = new SealDeltaWriter(stream);
        var head = new byte[SealDelta.FixedSize];
        SealDelta.Write(header, head);
        await writer.WriteAsync(head, cancellationToken);
        await writer.WriteAsync(header.SealedManifest, cancellationToken);
        return writer;
    }

    /// <summary>Lists a chunk that the base point does not refer to.</summary>
    /// <exception cref="InvalidOperationException">The id does not ascend, or dropped ids were already written.</exception>
    public ValueTask AddAsync(ChunkId id, CancellationToken cancellationToken = default) =>
        AppendAsync(SealDeltaBlock.Added, id, cancellationToken);

    /// <summary>Lists a chunk that only the base point refers to.</summary>
    /// <exception cref="InvalidOperationException">The id does not ascend.</exception>
    public ValueTask DropAsync(ChunkId id, CancellationToken cancellationToken = default) =>
        AppendAsync(SealDeltaBlock.Dropped, id, cancellationToken);

    /// <summary>Writes what is left, the end mark and the checksum, and flushes the stream.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_complete, this);
        _complete = true;
        await FlushBlockAsync(cancellationToken);
        await WriteAsync(new byte[SealDelta.BlockHeadSize], cancellationToken);
        var trailer = new byte[SealDelta.TrailerSize];
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, _hash.GetCurrentHashAsUInt64());
        await _stream.WriteAsync(trailer, cancellationToken);
        await _stream.FlushAsync(cancellationToken);
    }

    private ValueTask AppendAsync(SealDeltaBlock kind, ChunkId id, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_complete, this);
        if (kind < _kind) throw new InvalidOperationException("Added ids come before dropped ones.");
        if (kind == _kind && _last is { } last && id <= last) throw new InvalidOperationException("Ids are written in ascending order.");
        var flush = kind != _kind || _count == SealDelta.MaxBlockIds ? FlushBlockAsync(cancellationToken) : ValueTask.CompletedTask;
        if (!flush.IsCompletedSuccessfully) return AppendAfterAsync(flush, kind, id);
        Put(kind, id);
        return ValueTask.CompletedTask;
    }

    private async ValueTask AppendAfterAsync(ValueTask flush, SealDeltaBlock kind, ChunkId id)
    {
        await flush;
        Put(kind, id);
    }

    private void Put(SealDeltaBlock kind, ChunkId id)
    {
        _kind = kind;
        _last = id;
        id.CopyTo(_block.AsSpan(SealDelta.BlockHeadSize + _count++ * ChunkId.Size));
    }

    private async ValueTask FlushBlockAsync(CancellationToken cancellationToken)
    {
        if (_count == 0) return;
        _block[0] = (byte)_kind;
        BinaryPrimitives.WriteUInt32LittleEndian(_block.AsSpan(1), (uint)_count);
        await WriteAsync(_block.AsMemory(0, SealDelta.BlockHeadSize + _count * ChunkId.Size), cancellationToken);
        _count = 0;
    }

    private ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _hash.Append(bytes.Span);
        return _stream.WriteAsync(bytes, cancellationToken);
    }
}
