using System.Buffers.Binary;
using System.Text;

namespace BackupPlatform.IngestService.Sealing;

/// <summary>
/// What a sealed recovery point's blob begins with. The seal delta follows as the agent sent it, so that packs and points
/// together can rebuild the database. Integers are little-endian, ids in network byte order:
/// magic and version (8) | recovery point id (16) | base point's id, zeros: none (16) | subscription id (16) | sequence (8) |
/// base sequence (8) | created at, microseconds since 1970 (8) | item, UTF-8, padded with zeros (64).
/// A delta whose own base sequence is 0 lists all chunks of the point, also where the point has a base.
/// </summary>
/// <remarks>
/// The blob is durable before the transaction that makes it a recovery point. Where that transaction fails, an orphan stays
/// behind. A rebuild can tell: points name their base by id, so an orphan is a blob that no newer point builds on although
/// there is a newer point. An orphan that is an item's newest blob is a complete point which the agent meant and did not hear
/// of; where all its chunks are there, taking it in loses nothing.
/// </remarks>
internal sealed record PointBlobHeader(
    Guid RecoveryPointId,
    Guid? BasePointId,
    Guid SubscriptionId,
    long Sequence,
    long BaseSequence,
    DateTimeOffset CreatedAt,
    string Item)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 8 + 16 + 16 + 16 + 8 + 8 + 8 + ItemSize;

    private const int ItemSize = 64;

    private static ReadOnlySpan<byte> Magic => "BPPOINT\x01"u8;

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        Magic.CopyTo(bytes);
        RecoveryPointId.TryWriteBytes(bytes.AsSpan(8), bigEndian: true, out _);
        BasePointId.GetValueOrDefault().TryWriteBytes(bytes.AsSpan(24), bigEndian: true, out _);
        SubscriptionId.TryWriteBytes(bytes.AsSpan(40), bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(64), BaseSequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(72), (CreatedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        Encoding.UTF8.GetBytes(Item, bytes.AsSpan(80));
        return bytes;
    }
}
