using System.Text;

namespace BackupPlatform.Engine;

/// <summary>
/// A path inside a catalog: names joined by <c>/</c>, as bytes, because a file system's names need not be text. It begins
/// at the source's root, so <c>/home/ann</c> is <c>home/ann</c>, and the root itself is empty. The order is that of a walk
/// that sorts each directory's names bytewise and enters a directory right after naming it: bytes are compared with
/// <c>/</c> below all others, so that everything under a directory stands together.
/// </summary>
public readonly struct CatalogPath : IEquatable<CatalogPath>, IComparable<CatalogPath>
{
    /// <summary>Bytes of a path at most.</summary>
    public const int MaxLength = 16 * 1024;

    private const byte Separator = (byte)'/';

    private readonly ReadOnlyMemory<byte> _bytes;

    /// <summary>Takes a path, without copying it.</summary>
    /// <exception cref="ArgumentException">It is none (see <see cref="Fault"/>).</exception>
    public CatalogPath(ReadOnlyMemory<byte> bytes)
    {
        if (Fault(bytes.Span) is { } fault) throw new ArgumentException(fault, nameof(bytes));
        _bytes = bytes;
    }

    private CatalogPath(ReadOnlyMemory<byte> bytes, bool _) => _bytes = bytes;

    /// <summary>The empty path.</summary>
    public static CatalogPath Root => default;

    /// <summary>The path's bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The path's bytes.</summary>
    public ReadOnlySpan<byte> Span => _bytes.Span;

    public bool IsRoot => _bytes.IsEmpty;

    /// <summary>The last name; empty for the root.</summary>
    public ReadOnlySpan<byte> Name => Span[(Span.LastIndexOf(Separator) + 1)..];

    /// <summary>The directory that this path lies in; the root's is the root.</summary>
    public CatalogPath Parent => new(_bytes[..Math.Max(0, Span.LastIndexOf(Separator))], true);

    /// <summary>A path from text, as UTF-8.</summary>
    /// <exception cref="ArgumentException">It is none (see <see cref="Fault"/>).</exception>
    public static CatalogPath FromText(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>What is wrong with a path; null where nothing is.</summary>
    public static string? Fault(ReadOnlySpan<byte> path)
    {
        if (path.Length > MaxLength) return $"A path has at most {MaxLength} bytes.";
        if (path.Contains((byte)0)) return "A path has no zero byte.";
        foreach (var range in path.IsEmpty ? default : path.Split(Separator))
        {
            if (path[range] is [] or [(byte)'.'] or [(byte)'.', (byte)'.']) return "A path has no empty names and no '.' or '..' among them.";
        }
        return null;
    }

    /// <summary>Compares two paths, or beginnings of paths.</summary>
    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var same = left.CommonPrefixLength(right);
        if (same == left.Length || same == right.Length) return left.Length.CompareTo(right.Length);
        return Rank(left[same]).CompareTo(Rank(right[same]));
    }

    /// <summary>The path of something in this directory.</summary>
    /// <exception cref="ArgumentException">That would be no path.</exception>
    public CatalogPath Child(ReadOnlySpan<byte> name) => new(IsRoot ? name.ToArray() : (byte[])[.. Span, Separator, .. name]);

    /// <summary>Whether this lies below <paramref name="directory"/>, at any depth; a path is not below itself.</summary>
    public bool IsUnder(CatalogPath directory) =>
        directory.IsRoot ? !IsRoot : Span.Length > directory.Span.Length && Span[directory.Span.Length] == Separator && Span.StartsWith(directory.Span);

    /// <summary>A path whose validity was just checked.</summary>
    internal static CatalogPath Trusted(ReadOnlyMemory<byte> bytes) => new(bytes, true);

    private static byte Rank(byte value) => value == Separator ? (byte)0 : value;

    public int CompareTo(CatalogPath other) => Compare(Span, other.Span);

    public bool Equals(CatalogPath other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is CatalogPath other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>For people: what is no UTF-8 is replaced.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    public static bool operator ==(CatalogPath left, CatalogPath right) => left.Equals(right);
    public static bool operator !=(CatalogPath left, CatalogPath right) => !left.Equals(right);
    public static bool operator <(CatalogPath left, CatalogPath right) => left.CompareTo(right) < 0;
    public static bool operator >(CatalogPath left, CatalogPath right) => left.CompareTo(right) > 0;
    public static bool operator <=(CatalogPath left, CatalogPath right) => left.CompareTo(right) <= 0;
    public static bool operator >=(CatalogPath left, CatalogPath right) => left.CompareTo(right) >= 0;
}
