using System.IO.Hashing;

namespace BackupPlatform.Formats;

/// <summary>Where a frame lies in its segment, and so in its pack.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="Offset">Where the frame begins, in bytes from the segment's beginning.</param>
/// <param name="Length">Bytes of the whole frame, its header counted.</param>
public readonly record struct SegmentFrame(ChunkId Id, long Offset, int Length);

/// <summary>
/// Checks a segment while its bytes pass by, in pieces of any size, and notes its frames. It keeps no payload: its memory
/// is the frame list, of at most <see cref="SegmentFormat.MaxFrames"/> entries.
/// </summary>
public sealed class SegmentScanner
{
    private readonly byte[] _head = new byte[SegmentFormat.FrameHeaderSize];
    private readonly XxHash3 _hash = new();
    private readonly List<SegmentFrame> _frames = [];
    private int _headLength;
    private FrameHeader _frame;
    private int _payloadLeft;
    private bool _pastHeader;
    private bool _broken;

    /// <summary>The frames that were complete and correct so far, in the segment's order.</summary>
    public IReadOnlyList<SegmentFrame> Frames => _frames;

    /// <summary>Bytes seen so far.</summary>
    public long Length { get; private set; }

    /// <summary>Takes the next bytes of the segment.</summary>
    /// <exception cref="InvalidSegmentException">The bytes are no segment; the scanner takes no more then.</exception>
    public void Push(ReadOnlySpan<byte> bytes)
    {
        if (_broken) throw new InvalidSegmentException("The segment was already refused.");
        if (Length + bytes.Length > SegmentFormat.MaxSegmentBytes)
        {
            throw Refuse($"The segment is longer than {SegmentFormat.MaxSegmentBytes} bytes.");
        }
        while (!bytes.IsEmpty)
        {
            bytes = _payloadLeft > 0 ? PushPayload(bytes) : PushHead(bytes);
        }
    }

    /// <summary>Whether the bytes seen are a whole segment: they end with a frame, or with the header of an empty one.</summary>
    public bool Complete() => !_broken && _pastHeader && _headLength == 0 && _payloadLeft == 0;

    private ReadOnlySpan<byte> PushHead(ReadOnlySpan<byte> bytes)
    {
        var wanted = _pastHeader ? SegmentFormat.FrameHeaderSize : SegmentFormat.HeaderSize;
        var taken = Math.Min(wanted - _headLength, bytes.Length);
        bytes[..taken].CopyTo(_head.AsSpan(_headLength));
        _headLength += taken;
        Length += taken;
        if (_headLength == wanted) EndHead();
        return bytes[taken..];
    }

    private void EndHead()
    {
        _headLength = 0;
        if (!_pastHeader)
        {
            if (!SegmentFormat.IsHeader(_head)) throw Refuse("The bytes do not begin with the header of a segment of version 1.");
            _pastHeader = true;
            return;
        }
        if (!FrameHeader.TryRead(_head, out _frame))
        {
            throw Refuse($"The frame at {FrameStart()} has a length outside 1 to {SegmentFormat.MaxSealedChunkBytes}.");
        }
        if (_frames.Count == SegmentFormat.MaxFrames) throw Refuse($"The segment has more than {SegmentFormat.MaxFrames} frames.");
        if (Length + _frame.SealedLength > SegmentFormat.MaxSegmentBytes)
        {
            throw Refuse($"The frame at {FrameStart()} leads beyond {SegmentFormat.MaxSegmentBytes} bytes.");
        }
        _payloadLeft = _frame.SealedLength;
    }

    private ReadOnlySpan<byte> PushPayload(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(_payloadLeft, bytes.Length);
        _hash.Append(bytes[..taken]);
        Length += taken;
        _payloadLeft -= taken;
        if (_payloadLeft == 0) EndFrame();
        return bytes[taken..];
    }

    private void EndFrame()
    {
        var checksum = _hash.GetCurrentHashAsUInt64();
        _hash.Reset();
        var start = Length - _frame.FrameLength;
        if (checksum != _frame.Checksum) throw Refuse($"The frame at {start}, chunk {_frame.Id}, does not match its checksum.");
        _frames.Add(new SegmentFrame(_frame.Id, start, _frame.FrameLength));
    }

    private long FrameStart() => Length - SegmentFormat.FrameHeaderSize;

    private InvalidSegmentException Refuse(string message)
    {
        _broken = true;
        return new InvalidSegmentException(message);
    }
}
