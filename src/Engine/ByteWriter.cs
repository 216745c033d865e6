using System.Buffers.Binary;

namespace BackupPlatform.Engine;

/// <summary>A growing buffer of bytes, with the numbers of our formats. Used again after <see cref="Clear"/>.</summary>
internal sealed class ByteWriter
{
    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Take(1)[0] = value;

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

    public void Int64(long value) => UInt64((ulong)value);

    /// <summary>Seven bits a byte, the lowest first, the top bit set on all bytes but the last.</summary>
    public void VarInt(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }
        Byte((byte)value);
    }

    /// <summary>A signed number: 0, -1, 1, -2 … as 0, 1, 2, 3 …</summary>
    public void ZigZag(long value) => VarInt((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>A length, and as many bytes.</summary>
    public void Block(ReadOnlySpan<byte> value)
    {
        VarInt((ulong)value.Length);
        Bytes(value);
    }

    /// <summary>Overwrites a number that was written before.</summary>
    public void PatchUInt32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(at), value);

    /// <summary>Overwrites a number that was written before.</summary>
    public void PatchUInt64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(at), value);

    /// <summary>The next bytes, to be written by the caller.</summary>
    public Span<byte> Take(int count)
    {
        var end = Length + count;
        if (end > _bytes.Length) Array.Resize(ref _bytes, Math.Max(end, _bytes.Length * 2));
        var taken = _bytes.AsSpan(Length, count);
        Length = end;
        return taken;
    }
}
