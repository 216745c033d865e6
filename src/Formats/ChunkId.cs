using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BackupPlatform.Formats;

/// <summary>
/// The name of a chunk: 32 bytes that the agent derives from the chunk's plaintext with a key of its own. Held by value,
/// ordered like its bytes, written as 64 lower-case hexadecimal digits.
/// </summary>
public readonly struct ChunkId : IEquatable<ChunkId>, IComparable<ChunkId>
{
    /// <summary>Bytes in an id.</summary>
    public const int Size = 32;

    // Big-endian words, so that comparing numbers compares bytes.
    private readonly ulong _a, _b, _c, _d;

    /// <summary>Takes an id from exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The length is another.</exception>
    public ChunkId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A chunk id has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>Reads 64 hexadecimal digits, of either case; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ChunkId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (text.Length == 2 * Size
            && Convert.FromHexString(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == Size)
        {
            id = new ChunkId(bytes);
            return true;
        }
        id = default;
        return false;
    }

    /// <summary>Writes the 32 bytes to the beginning of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    public byte[] ToByteArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>The id as four words of a 256-bit little-endian integer, least significant first.</summary>
    internal (ulong W0, ulong W1, ulong W2, ulong W3) ToWords() =>
        (BinaryPrimitives.ReverseEndianness(_a), BinaryPrimitives.ReverseEndianness(_b),
            BinaryPrimitives.ReverseEndianness(_c), BinaryPrimitives.ReverseEndianness(_d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Equals(ChunkId other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public int CompareTo(ChunkId other)
    {
        if (_a != other._a) return _a < other._a ? -1 : 1;
        if (_b != other._b) return _b < other._b ? -1 : 1;
        if (_c != other._c) return _c < other._c ? -1 : 1;
        return _d.CompareTo(other._d);
    }

    public override bool Equals(object? obj) => obj is ChunkId other && Equals(other);

    // Ids of honest agents are uniformly random; a dishonest one can only slow its own sets down, so all words take part.
    public override int GetHashCode() => HashCode.Combine(_a, _b, _c, _d);

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    public static bool operator ==(ChunkId left, ChunkId right) => left.Equals(right);
    public static bool operator !=(ChunkId left, ChunkId right) => !left.Equals(right);
    public static bool operator <(ChunkId left, ChunkId right) => left.CompareTo(right) < 0;
    public static bool operator >(ChunkId left, ChunkId right) => left.CompareTo(right) > 0;
    public static bool operator <=(ChunkId left, ChunkId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(ChunkId left, ChunkId right) => left.CompareTo(right) >= 0;
}
