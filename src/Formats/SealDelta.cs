using System.Buffers.Binary;

namespace BackupPlatform.Formats;

/// <summary>
/// What an agent sends to seal a recovery point: the point's place, its sealed manifest, and which chunks it refers to,
/// told as the difference to the base point. See FORMAT.md for the bytes.
/// </summary>
public static class SealDelta
{
    /// <summary>A sealed manifest's greatest length in bytes.</summary>
    public const int MaxManifestBytes = 64 * 1024;

    /// <summary>Ids in a block at most.</summary>
    public const int MaxBlockIds = 4096;

    /// <summary>The greatest sequence number: ten decimal digits, as blob names have room for.</summary>
    public const long MaxSequence = 9_999_999_999;

    internal const int FixedSize = 8 + 8 + 8 + 8 + ChunkSetHash.Size + 4;
    internal const int BlockHeadSize = 1 + 4;
    internal const int TrailerSize = sizeof(ulong);

    internal static ReadOnlySpan<byte> Magic => "BPSEAL\0\x01"u8;

    internal static void Write(SealDeltaHeader header, Span<byte> destination)
    {
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], (ulong)header.BaseSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], (ulong)header.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], (ulong)header.ChunkCount);
        header.SetHash.CopyTo(destination[32..]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[64..], (uint)header.SealedManifest.Length);
    }

    /// <summary>Reads the fixed part; the manifest, whose length it tells, is still empty.</summary>
    internal static SealDeltaHeader Read(ReadOnlySpan<byte> source, out int manifestLength)
    {
        if (!source.StartsWith(Magic)) throw new InvalidSealDeltaException("The bytes do not begin with a seal delta of version 1.");
        var baseSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[8..]);
        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(source[16..]);
        var chunkCount = BinaryPrimitives.ReadUInt64LittleEndian(source[24..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source[64..]);
        if (sequence > MaxSequence || chunkCount > long.MaxValue || length > MaxManifestBytes)
        {
            throw new InvalidSealDeltaException("The seal delta's sequence, chunk count or manifest length is out of range.");
        }
        var header = new SealDeltaHeader(
            (long)Math.Min(baseSequence, MaxSequence), (long)sequence, (long)chunkCount, new ChunkSetHash(source[32..64]), default);
        manifestLength = (int)length;
        if (Fault(header, manifestLength) is { } fault) throw new InvalidSealDeltaException(fault);
        return header;
    }

    internal static string? Fault(SealDeltaHeader header, int manifestLength) => header switch
    {
        { Sequence: < 1 or > MaxSequence } => $"The sequence number is not within 1 to {MaxSequence}.",
        { BaseSequence: < 0 } => "The base sequence number is negative.",
        _ when header.BaseSequence >= header.Sequence => "The base point does not come before the recovery point.",
        { ChunkCount: < 1 } => "A recovery point refers to at least one chunk.",
        _ when manifestLength is < 1 or > MaxManifestBytes => $"The sealed manifest is not within 1 to {MaxManifestBytes} bytes.",
        _ => null,
    };
}

/// <summary>The part of a seal delta that comes before the ids.</summary>
/// <param name="BaseSequence">Sequence number of the point that the difference is to, or 0: there is none.</param>
/// <param name="Sequence">Sequence number of the new point, 1 to <see cref="SealDelta.MaxSequence"/>.</param>
/// <param name="ChunkCount">Distinct chunks that the new point refers to, catalog pages counted.</param>
/// <param name="SetHash">Hash of the set of those chunks.</param>
/// <param name="SealedManifest">1 to <see cref="SealDelta.MaxManifestBytes"/> bytes.</param>
public sealed record SealDeltaHeader(
    long BaseSequence, long Sequence, long ChunkCount, ChunkSetHash SetHash, ReadOnlyMemory<byte> SealedManifest);

/// <summary>What a block of a seal delta lists.</summary>
public enum SealDeltaBlock
{
    /// <summary>No block: the end was reached, and the checksum was right.</summary>
    End = 0,

    /// <summary>Chunks that the new point refers to and the base point does not.</summary>
    Added = 1,

    /// <summary>Chunks that the base point refers to and the new point does not.</summary>
    Dropped = 2,
}
