using System.Buffers.Binary;
using System.IO.Hashing;

namespace BackupPlatform.Formats;

/// <summary>
/// The layout of a segment, which is what an agent sends in one request and what becomes a pack as it is: a header of
/// <see cref="HeaderSize"/> bytes, then frames without gaps. A frame is <see cref="FrameHeader"/> and a sealed chunk.
/// </summary>
public static class SegmentFormat
{
    /// <summary>Bytes before the first frame: magic and version (8), reserved zeros (8).</summary>
    public const int HeaderSize = 16;

    /// <summary>Bytes of a frame before its sealed chunk: id (32), length (4), checksum (8).</summary>
    public const int FrameHeaderSize = ChunkId.Size + sizeof(uint) + sizeof(ulong);

    /// <summary>A segment's greatest length, its header counted.</summary>
    public const int MaxSegmentBytes = 32 * 1024 * 1024;

    /// <summary>A chunk's greatest length before compression and encryption.</summary>
    public const int MaxPlainChunkBytes = 2 * 1024 * 1024;

    /// <summary>A sealed chunk's greatest length: what the greatest plaintext needs, and some air.</summary>
    public const int MaxSealedChunkBytes = MaxPlainChunkBytes + 1024;

    /// <summary>Frames in a segment at most, so that what a reader notes of them stays small.</summary>
    public const int MaxFrames = 16_384;

    private static ReadOnlySpan<byte> Magic => "BPSEGMT\x01"u8;

    /// <summary>Writes the header of a segment to the first <see cref="HeaderSize"/> bytes.</summary>
    public static void WriteHeader(Span<byte> destination)
    {
        destination[..HeaderSize].Clear();
        Magic.CopyTo(destination);
    }

    /// <summary>Whether the first <see cref="HeaderSize"/> bytes are the header of a segment of this version.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= HeaderSize
        && bytes.StartsWith(Magic)
        && !bytes[Magic.Length..HeaderSize].ContainsAnyExcept((byte)0);

    /// <summary>XxHash3-64 of a sealed chunk: finds accidents on disks and wires; authenticity is the AEAD's.</summary>
    public static ulong Checksum(ReadOnlySpan<byte> sealedChunk) => XxHash3.HashToUInt64(sealedChunk);
}

/// <summary>What stands before a sealed chunk in a segment, and in every run of frames.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="SealedLength">Bytes that follow: 1 to <see cref="SegmentFormat.MaxSealedChunkBytes"/>.</param>
/// <param name="Checksum">XxHash3-64 of those bytes.</param>
public readonly record struct FrameHeader(ChunkId Id, int SealedLength, ulong Checksum)
{
    /// <summary>The header that belongs to a sealed chunk.</summary>
    public static FrameHeader Of(ChunkId id, ReadOnlySpan<byte> sealedChunk) =>
        new(id, sealedChunk.Length, SegmentFormat.Checksum(sealedChunk));

    /// <summary>Length of header and sealed chunk together, in bytes.</summary>
    public int FrameLength => SegmentFormat.FrameHeaderSize + SealedLength;

    /// <summary>Writes the first <see cref="SegmentFormat.FrameHeaderSize"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        Id.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChunkId.Size..], (uint)SealedLength);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[(ChunkId.Size + sizeof(uint))..], Checksum);
    }

    /// <summary>Reads a header; false where bytes are missing or the length is out of its range.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        header = default;
        if (source.Length < SegmentFormat.FrameHeaderSize) return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source[ChunkId.Size..]);
        if (length is 0 or > SegmentFormat.MaxSealedChunkBytes) return false;
        header = new FrameHeader(
            new ChunkId(source[..ChunkId.Size]),
            (int)length,
            BinaryPrimitives.ReadUInt64LittleEndian(source[(ChunkId.Size + sizeof(uint))..]));
        return true;
    }
}
