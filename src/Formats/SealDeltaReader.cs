using System.Buffers.Binary;
using System.IO.Hashing;

namespace BackupPlatform.Formats;

/// <summary>
/// Reads a seal delta from a stream, block by block (for a pipe: <c>PipeReader.AsStream</c>). Memory: one block. Only when
/// <see cref="ReadAsync"/> has answered <see cref="SealDeltaBlock.End"/> is everything read before known to be whole: what
/// was read must have no effect until then. The stream stays the caller's.
/// </summary>
public sealed class SealDeltaReader
{
    private readonly Stream _stream;
    private readonly XxHash3 _hash = new();
    private readonly byte[] _bytes = new byte[SealDelta.MaxBlockIds * ChunkId.Size];
    private readonly ChunkId[] _ids = new ChunkId[SealDelta.MaxBlockIds];
    private SealDeltaBlock _kind = SealDeltaBlock.Added;
    private ChunkId? _last;
    private int _count;

    private SealDeltaReader(Stream stream) => _stream = stream;

    /// <summary>What came before the ids.</summary>
    public SealDeltaHeader Header { get; private set; } = null!;

    /// <summary>The ids of the block read last, ascending, also from block to block; valid until the next read.</summary>
    public ReadOnlyMemory<ChunkId> Ids => _ids.AsMemory(0, _count);

    /// <summary>Added ids read so far.</summary>
    public long AddedCount { get; private set; }

    /// <summary>Dropped ids read so far.</summary>
    public long DroppedCount { get; private set; }

    /// <summary>Reads the header and the sealed manifest.</summary>
    /// <exception cref="InvalidSealDeltaException">The bytes are no seal delta.</exception>
    public static async ValueTask<SealDeltaReader> OpenAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var reader = new SealDeltaReader(stream);
        var head = new byte[SealDelta.FixedSize];
        await reader.FillAsync(head, cancellationToken);
        var header = SealDelta.Read(head, out var manifestLength);
        var manifest = new byte[manifestLength];
        await reader.FillAsync(manifest, cancellationToken);
        reader.Header = header with { SealedManifest = manifest };
        return reader;
    }

    /// <summary>Reads the next block: all blocks of added ids come before those of dropped ones, then the end.</summary>
    /// <exception cref="InvalidSealDeltaException">The bytes are damaged, out of order, cut off, or go on after the end.</exception>
    public async ValueTask<SealDeltaBlock> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_kind == SealDeltaBlock.End) return _kind;
        _count = 0;
        await FillAsync(_bytes.AsMemory(0, SealDelta.BlockHeadSize), cancellationToken);
        var kind = (SealDeltaBlock)_bytes[0];
        var count = BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(1));
        if (kind == SealDeltaBlock.End && count == 0)
        {
            await EndAsync(cancellationToken);
            return _kind = SealDeltaBlock.End;
        }
        if (kind is not (SealDeltaBlock.Added or SealDeltaBlock.Dropped) || count is 0 or > SealDelta.MaxBlockIds)
        {
            throw new InvalidSealDeltaException("The seal delta has a block of an unknown kind or length.");
        }
        if (kind < _kind) throw new InvalidSealDeltaException("The seal delta has added ids after dropped ones.");
        if (kind != _kind) _last = null;
        _kind = kind;
        await FillAsync(_bytes.AsMemory(0, (int)count * ChunkId.Size), cancellationToken);
        TakeIds((int)count);
        return kind;
    }

    private void TakeIds(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var id = new ChunkId(_bytes.AsSpan(i * ChunkId.Size, ChunkId.Size));
            if (_last is { } last && id <= last) throw new InvalidSealDeltaException("The seal delta's ids do not ascend.");
            _ids[i] = id;
            _last = id;
        }
        _count = count;
        if (_kind == SealDeltaBlock.Added) AddedCount += count;
        else DroppedCount += count;
    }

    private async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        var expected = _hash.GetCurrentHashAsUInt64();
        var trailer = new byte[SealDelta.TrailerSize + 1];
        var read = await _stream.ReadAtLeastAsync(trailer, trailer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read < SealDelta.TrailerSize) throw CutOff();
        if (read > SealDelta.TrailerSize) throw new InvalidSealDeltaException("The seal delta goes on after its end.");
        if (BinaryPrimitives.ReadUInt64LittleEndian(trailer) != expected)
        {
            throw new InvalidSealDeltaException("The seal delta does not match its checksum.");
        }
        if (AddedCount > Header.ChunkCount) throw new InvalidSealDeltaException("The seal delta adds more chunks than the point has.");
    }

    private async ValueTask FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = await _stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read < buffer.Length) throw CutOff();
        _hash.Append(buffer.Span);
    }

    private static InvalidSealDeltaException CutOff() => new("The seal delta is cut off.");
}
