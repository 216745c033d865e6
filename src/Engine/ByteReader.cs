using System.Buffers.Binary;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>Reads what <see cref="ByteWriter"/> writes, and trusts nothing: every fault is a <see cref="DamagedDataException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes, string what)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool AtEnd => _rest.IsEmpty;

    public readonly int Left => _rest.Length;

    public byte Byte() => Bytes(1)[0];

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(sizeof(ulong)));

    public long Int64() => (long)UInt64();

    public ChunkId ChunkId() => new(Bytes(BackupPlatform.Formats.ChunkId.Size));

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _rest.Length) throw Damaged("is cut off");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    /// <summary>A number of at most <paramref name="max"/>, in its shortest form.</summary>
    public ulong VarInt(ulong max = ulong.MaxValue)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            if (shift == 63 && next > 1) break;
            value |= (ulong)(next & 0x7f) << shift;
            if (next >= 0x80) continue;
            if (next == 0 && shift > 0) throw Damaged("has a number in a longer form than it needs");
            return value <= max ? value : throw Damaged("has a number out of its range");
        }
        throw Damaged("has a number out of its range");
    }

    public int Int(int max) => (int)VarInt((ulong)max);

    public long ZigZag()
    {
        var value = VarInt();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A length of at most <paramref name="max"/>, and as many bytes.</summary>
    public ReadOnlySpan<byte> Block(int max) => Bytes(Int(max));

    /// <summary>
    /// Optional fields of later agents: number, length, bytes, numbers ascending. Those with an odd number may be passed
    /// over; one with an even number changes what the rest means, and an agent that does not know it must not go on.
    /// </summary>
    public void PassOverTags()
    {
        var count = Int(1024);
        ulong last = 0;
        for (var i = 0; i < count; i++)
        {
            var tag = VarInt();
            if (tag <= last) throw Damaged("has optional fields out of order");
            last = tag;
            Block(Left);
            if (tag % 2 == 0)
            {
                throw new UnsupportedFormatException($"The {what} has field {tag}, which this agent does not know; a newer one does.");
            }
        }
    }

    public readonly DamagedDataException Damaged(string why) => new(what, why);
}
