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
        var tags = Tags();
        while (NextTag(ref tags, out var value)) value.PassOverTag(tags.Last);
    }

    /// <summary>Begins to read optional fields, of which some are known.</summary>
    public TagPlace Tags() => new(Int(1024), 0);

    /// <summary>The next optional field; false behind the last one.</summary>
    public bool NextTag(ref TagPlace place, out ByteReader value)
    {
        value = default;
        if (place.Left == 0) return false;
        var tag = VarInt();
        if (tag <= place.Last) throw Damaged("has optional fields out of order");
        place = new TagPlace(place.Left - 1, tag);
        value = new ByteReader(Block(Left), what);
        return true;
    }

    /// <summary>Leaves out the whole value of a field that is not known.</summary>
    public void PassOverTag(ulong tag)
    {
        if (tag % 2 == 0)
        {
            throw new UnsupportedFormatException($"The {what} has field {tag}, which this agent does not know; a newer one does.");
        }
        Bytes(Left);
    }

    public readonly DamagedDataException Damaged(string why) => new(what, why);
}

/// <summary>Where a reader of optional fields stands.</summary>
/// <param name="Left">Fields to come.</param>
/// <param name="Last">The number of the field before; 0 before the first.</param>
internal readonly record struct TagPlace(int Left, ulong Last);
