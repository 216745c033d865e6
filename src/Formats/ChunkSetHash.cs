using System.Buffers.Binary;

namespace BackupPlatform.Formats;

/// <summary>
/// A summary of a set of chunk ids that does not depend on their order and can be changed by one id at a time: the sum of
/// the ids as 256-bit little-endian integers, modulo 2^256. It finds mistakes and losses; it is no proof against someone
/// who chooses the ids. A mutable value: assigning copies it.
/// </summary>
public struct ChunkSetHash : IEquatable<ChunkSetHash>
{
    /// <summary>Bytes in its written form.</summary>
    public const int Size = 32;

    private ulong _w0, _w1, _w2, _w3;

    /// <summary>Reads exactly <see cref="Size"/> bytes, as <see cref="ToArray"/> wrote them.</summary>
    /// <exception cref="ArgumentException">The length is another.</exception>
    public ChunkSetHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A chunk set hash has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        _w0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _w1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        _w2 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        _w3 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>The hash of the set with <paramref name="id"/>; the id must not be in it yet.</summary>
    public void Add(ChunkId id)
    {
        var (w0, w1, w2, w3) = id.ToWords();
        AddWords(w0, w1, w2, w3, carry: 0);
    }

    /// <summary>The hash of the set without <paramref name="id"/>; the id must be in it.</summary>
    public void Remove(ChunkId id)
    {
        // Two's complement: a - b = a + ~b + 1.
        var (w0, w1, w2, w3) = id.ToWords();
        AddWords(~w0, ~w1, ~w2, ~w3, carry: 1);
    }

    public readonly void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, _w0);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], _w1);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], _w2);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], _w3);
    }

    public readonly byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    private void AddWords(ulong w0, ulong w1, ulong w2, ulong w3, ulong carry)
    {
        _w0 = AddWithCarry(_w0, w0, ref carry);
        _w1 = AddWithCarry(_w1, w1, ref carry);
        _w2 = AddWithCarry(_w2, w2, ref carry);
        _w3 = AddWithCarry(_w3, w3, ref carry);
    }

    private static ulong AddWithCarry(ulong left, ulong right, ref ulong carry)
    {
        var sum = (UInt128)left + right + carry;
        carry = (ulong)(sum >> 64);
        return (ulong)sum;
    }

    public readonly bool Equals(ChunkSetHash other) => _w0 == other._w0 && _w1 == other._w1 && _w2 == other._w2 && _w3 == other._w3;

    public override readonly bool Equals(object? obj) => obj is ChunkSetHash other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(_w0, _w1, _w2, _w3);

    public override readonly string ToString() => Convert.ToHexStringLower(ToArray());

    public static bool operator ==(ChunkSetHash left, ChunkSetHash right) => left.Equals(right);
    public static bool operator !=(ChunkSetHash left, ChunkSetHash right) => !left.Equals(right);
}
