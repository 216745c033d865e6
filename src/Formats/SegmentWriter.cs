namespace BackupPlatform.Formats;

/// <summary>
/// Collects sealed chunks into one segment, in one buffer that grows to <see cref="SegmentFormat.MaxSegmentBytes"/> at
/// most and is used again after <see cref="Reset"/>. For one thread at a time.
/// </summary>
public sealed class SegmentWriter
{
    private const int FirstCapacity = 1024 * 1024;

    private byte[] _buffer = new byte[FirstCapacity];
    private int _length;

    /// <summary>An empty segment.</summary>
    public SegmentWriter() => Reset();

    /// <summary>Frames written.</summary>
    public int Count { get; private set; }

    /// <summary>Header and frames; valid until the next call that writes.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Begins a new segment in the same buffer.</summary>
    public void Reset()
    {
        SegmentFormat.WriteHeader(_buffer);
        _length = SegmentFormat.HeaderSize;
        Count = 0;
    }

    /// <summary>Adds a chunk; false, and nothing written, where the segment has no room left for it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sealed chunk is empty or longer than a frame may carry.</exception>
    public bool TryAppend(ChunkId id, ReadOnlySpan<byte> sealedChunk)
    {
        if (!TryReserve(sealedChunk.Length, out var space)) return false;
        sealedChunk.CopyTo(space);
        Commit(id, sealedChunk.Length);
        return true;
    }

    /// <summary>
    /// Gives the place where a sealed chunk of up to <paramref name="maxSealedLength"/> bytes can be made, without a copy;
    /// <see cref="Commit"/> takes it in. False where the segment has no room left for that much.
    /// </summary>
    public bool TryReserve(int maxSealedLength, out Span<byte> space)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSealedLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxSealedLength, SegmentFormat.MaxSealedChunkBytes);
        space = default;
        var end = _length + SegmentFormat.FrameHeaderSize + maxSealedLength;
        if (end > SegmentFormat.MaxSegmentBytes || Count == SegmentFormat.MaxFrames) return false;
        if (end > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Min(Math.Max(end, _buffer.Length * 2), SegmentFormat.MaxSegmentBytes));
        }
        space = _buffer.AsSpan(_length + SegmentFormat.FrameHeaderSize, maxSealedLength);
        return true;
    }

    /// <summary>Takes in the first <paramref name="sealedLength"/> bytes of the space that was reserved last.</summary>
    public void Commit(ChunkId id, int sealedLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sealedLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sealedLength, SegmentFormat.MaxSealedChunkBytes);
        var header = FrameHeader.Of(id, _buffer.AsSpan(_length + SegmentFormat.FrameHeaderSize, sealedLength));
        header.Write(_buffer.AsSpan(_length));
        _length += header.FrameLength;
        Count++;
    }
}
