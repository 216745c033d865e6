using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Testing;

/// <summary>What of two trees has to agree.</summary>
[Flags]
public enum TreeAspects
{
    /// <summary>Names, types, bytes, targets of links, numbers of devices.</summary>
    Content = 0,
    Mode = 1,
    Owner = 2,
    Modified = 4,

    /// <summary>Which names are one file.</summary>
    HardLinks = 8,

    /// <summary>Extended attributes, access control lists among them.</summary>
    Attributes = 16,

    /// <summary>Where files have holes.</summary>
    Holes = 32,
    All = 63,
}

/// <summary>Compares two trees, entry by entry, without following links. Names may be any bytes.</summary>
public sealed class TreeComparer
{
    private const int BufferLength = 1 << 20;

    private readonly TreeAspects aspects;
    private readonly Dictionary<(ulong Device, ulong Inode), string> expectedFirst = [];
    private readonly Dictionary<(ulong Device, ulong Inode), string> actualFirst = [];

    private TreeComparer(TreeAspects aspects) => this.aspects = aspects;

    /// <summary>The differences in words, one a line; none when the trees agree. At most <paramref name="atMost"/>.</summary>
    public static IReadOnlyList<string> Compare(
        string expected, string actual, TreeAspects aspects = TreeAspects.All, int atMost = 50) =>
        [.. new TreeComparer(aspects).Folder(Posix.Bytes(expected), Posix.Bytes(actual), "").Take(atMost)];

    /// <summary>Throws with all differences when the trees disagree.</summary>
    public static void AssertSame(string expected, string actual, TreeAspects aspects = TreeAspects.All)
    {
        IReadOnlyList<string> differences = Compare(expected, actual, aspects);
        if (differences.Count == 0) return;
        throw new InvalidOperationException($"{actual} differs from {expected}:\n{string.Join('\n', differences)}");
    }

    private IEnumerable<string> Folder(byte[] expected, byte[] actual, string path)
    {
        foreach (string difference in Metadata(expected, actual, path.Length == 0 ? "." : path)) yield return difference;
        Dictionary<string, byte[]> there = Posix.Names(actual).ToDictionary(Convert.ToHexString);
        foreach (byte[] name in Posix.Names(expected))
        {
            string shown = path.Length == 0 ? Posix.Text(name) : $"{path}/{Posix.Text(name)}";
            IEnumerable<string> differences = there.Remove(Convert.ToHexString(name))
                ? Entry(Posix.Join(expected, name), Posix.Join(actual, name), shown)
                : [$"{shown}: missing"];
            foreach (string difference in differences) yield return difference;
        }
        foreach (byte[] name in there.Values)
        {
            yield return $"{(path.Length == 0 ? "" : path + "/")}{Posix.Text(name)}: not expected";
        }
    }

    private IEnumerable<string> Entry(byte[] left, byte[] right, string shown)
    {
        int type = Posix.Stat(left).Type;
        int typeToo = Posix.Stat(right).Type;
        return type != typeToo ? [$"{shown}: type {TypeName(type)} became {TypeName(typeToo)}"]
            : type == 0x4000 ? Folder(left, right, shown)
            : Leaf(left, right, shown, type);
    }

    private IEnumerable<string> Leaf(byte[] left, byte[] right, string shown, int type)
    {
        foreach (string difference in Metadata(left, right, shown)) yield return difference;
        if (type == 0xa000)
        {
            string from = Posix.Text(Posix.ReadLink(left));
            string to = Posix.Text(Posix.ReadLink(right));
            if (from != to) yield return $"{shown}: link target '{from}' became '{to}'";
        }
        else if (type == 0x8000 && Bytes(left, right) is { } difference)
        {
            yield return $"{shown}: {difference}";
        }
        else if (Posix.Stat(left).Number is var number && Posix.Stat(right).Number is var other && number != other)
        {
            yield return $"{shown}: device {number} became {other}";
        }
    }

    private IEnumerable<string> Metadata(byte[] left, byte[] right, string shown)
    {
        Posix.Entry from = Posix.Stat(left);
        Posix.Entry to = Posix.Stat(right);
        // A link's own mode means nothing on Linux.
        if (aspects.HasFlag(TreeAspects.Mode) && from.Type != 0xa000 && from.Mode != to.Mode)
        {
            yield return $"{shown}: mode {Convert.ToString(from.Mode, 8)} became {Convert.ToString(to.Mode, 8)}";
        }
        if (aspects.HasFlag(TreeAspects.Owner) && (from.User, from.Group) != (to.User, to.Group))
        {
            yield return $"{shown}: owner {from.User}:{from.Group} became {to.User}:{to.Group}";
        }
        if (aspects.HasFlag(TreeAspects.Modified) && from.ModifiedNanoseconds != to.ModifiedNanoseconds)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"{shown}: time {from.ModifiedNanoseconds} ns became {to.ModifiedNanoseconds} ns");
        }
        if (aspects.HasFlag(TreeAspects.HardLinks) && from.Type != 0x4000 && Names(from, to, shown) is { } names) yield return names;
        if (aspects.HasFlag(TreeAspects.Attributes))
        {
            string wanted = Shown(Posix.Attributes(left));
            string there = Shown(Posix.Attributes(right));
            if (wanted != there) yield return $"{shown}: attributes {wanted} became {there}";
        }
    }

    private string? Names(Posix.Entry from, Posix.Entry to, string shown)
    {
        string first = First(expectedFirst, from.Id, shown);
        string firstToo = First(actualFirst, to.Id, shown);
        return first != firstToo ? $"{shown}: the same file as {first} became the same as {firstToo}"
            : from.Links != to.Links ? $"{shown}: {from.Links} names became {to.Links}"
            : null;
    }

    private static string First(Dictionary<(ulong Device, ulong Inode), string> names, (ulong Device, ulong Inode) id, string shown)
    {
        names.TryAdd(id, shown);
        return names[id];
    }

    private static string Shown(SortedDictionary<string, string> attributes) =>
        "{" + string.Join(", ", attributes.Select(attribute => $"{attribute.Key}={(attribute.Value.Length > 64 ? attribute.Value[..64] + "…" : attribute.Value)}"
            + (attribute.Value.Length > 64 ? $" ({attribute.Value.Length / 2} bytes, {string.GetHashCode(attribute.Value, StringComparison.Ordinal):x8})" : ""))) + "}";

    private string? Bytes(byte[] left, byte[] right)
    {
        using SafeFileHandle expected = Posix.OpenFile(left);
        using SafeFileHandle actual = Posix.OpenFile(right);
        long length = RandomAccess.GetLength(expected);
        if (length != RandomAccess.GetLength(actual)) return $"length {length} became {RandomAccess.GetLength(actual)}";
        List<(long Start, long End)> parts = Posix.DataParts(expected);
        List<(long Start, long End)> partsToo = Posix.DataParts(actual);
        // What is a hole in both needs no reading.
        bool same = parts.SequenceEqual(partsToo);
        foreach ((long start, long end) in same ? parts : parts.Concat(partsToo))
        {
            if (Bytes(expected, actual, start, end) is { } difference) return difference;
        }
        return same || !aspects.HasFlag(TreeAspects.Holes) ? null : $"data in {Shown(parts)} became {Shown(partsToo)}";
    }

    private static string? Bytes(SafeFileHandle expected, SafeFileHandle actual, long start, long end)
    {
        byte[] from = new byte[BufferLength];
        byte[] to = new byte[BufferLength];
        for (long offset = start; offset < end; offset += BufferLength)
        {
            int read = RandomAccess.Read(expected, from.AsSpan(0, (int)Math.Min(BufferLength, end - offset)), offset);
            int readToo = RandomAccess.Read(actual, to.AsSpan(0, (int)Math.Min(BufferLength, end - offset)), offset);
            int common = from.AsSpan(0, read).CommonPrefixLength(to.AsSpan(0, readToo));
            if (common < read || common < readToo) return $"bytes differ from offset {offset + common}";
        }
        return null;
    }

    private static string Shown(List<(long Start, long End)> parts) =>
        string.Join(' ', parts.Take(5).Select(part => $"{part.Start}-{part.End}")) + $" ({parts.Count} parts)";

    private static string TypeName(int type) => type switch
    {
        0x4000 => "folder",
        0x8000 => "file",
        0xa000 => "link",
        0x1000 => "pipe",
        0xc000 => "socket",
        _ => "device",
    };
}
