namespace BackupPlatform.Formats;

/// <summary>
/// Reads a run of frames from a stream, one at a time: the answer to a small read, or the stream of a restore job. Such a
/// run has no segment header. Memory: one sealed chunk. The stream stays the caller's.
/// </summary>
public sealed class FrameReader(Stream stream)
{
    private readonly byte[] _head = new byte[SegmentFormat.FrameHeaderSize];
    private byte[] _payload = [];
    private long _position;

    /// <summary>The header of the frame read last.</summary>
    public FrameHeader Current { get; private set; }

    /// <summary>The sealed chunk of the frame read last, its checksum verified; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>Reads the next frame; false at the end of the stream.</summary>
    /// <exception cref="InvalidSegmentException">The stream ends inside a frame, or a frame is damaged.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken = default)
    {
        var start = _position;
        Payload = default;
        var read = await stream.ReadAtLeastAsync(_head, _head.Length, throwOnEndOfStream: false, cancellationToken);
        _position += read;
        if (read == 0) return false;
        if (read < _head.Length) throw new InvalidSegmentException($"The stream ends inside the frame header at {start}.");
        if (!FrameHeader.TryRead(_head, out var header))
        {
            throw new InvalidSegmentException($"The frame at {start} has a length outside 1 to {SegmentFormat.MaxSealedChunkBytes}.");
        }
        Current = header;
        await ReadPayloadAsync(header, start, cancellationToken);
        return true;
    }

    private async ValueTask ReadPayloadAsync(FrameHeader header, long start, CancellationToken cancellationToken)
    {
        if (_payload.Length < header.SealedLength)
        {
            // Doubling spares a new array for each slightly longer chunk.
            _payload = new byte[Math.Min(Math.Max(header.SealedLength, _payload.Length * 2), SegmentFormat.MaxSealedChunkBytes)];
        }
        var payload = _payload.AsMemory(0, header.SealedLength);
        var read = await stream.ReadAtLeastAsync(payload, payload.Length, throwOnEndOfStream: false, cancellationToken);
        _position += read;
        if (read < payload.Length) throw new InvalidSegmentException($"The stream ends inside the frame at {start}, chunk {header.Id}.");
        if (SegmentFormat.Checksum(payload.Span) != header.Checksum)
        {
            throw new InvalidSegmentException($"The frame at {start}, chunk {header.Id}, does not match its checksum.");
        }
        Payload = payload;
    }
}
