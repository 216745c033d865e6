using System.Globalization;

namespace BackupPlatform.Testing;

/// <summary>What of two trees has to agree.</summary>
[Flags]
public enum TreeAspects
{
    /// <summary>Names, types, bytes and targets of links.</summary>
    Content = 0,
    Mode = 1,
    Owner = 2,
    Modified = 4,

    /// <summary>Which names are one file.</summary>
    HardLinks = 8,
    All = 15,
}

/// <summary>Compares two trees, entry by entry, without following links.</summary>
public static class TreeComparer
{
    private const int BufferLength = 1 << 20;

    /// <summary>The differences in words, one a line; none when the trees agree. At most <paramref name="atMost"/>.</summary>
    public static IReadOnlyList<string> Compare(
        string expected, string actual, TreeAspects aspects = TreeAspects.All, int atMost = 50)
    {
        var differences = new List<string>();
        foreach (string difference in Folder(expected, actual, "", aspects))
        {
            differences.Add(difference);
            if (differences.Count == atMost) break;
        }
        return differences;
    }

    /// <summary>Throws with all differences when the trees disagree.</summary>
    public static void AssertSame(string expected, string actual, TreeAspects aspects = TreeAspects.All)
    {
        IReadOnlyList<string> differences = Compare(expected, actual, aspects);
        if (differences.Count == 0) return;
        throw new InvalidOperationException($"{actual} differs from {expected}:\n{string.Join('\n', differences)}");
    }

    private static IEnumerable<string> Folder(string expected, string actual, string path, TreeAspects aspects)
    {
        foreach (string difference in Metadata(expected, actual, path.Length == 0 ? "." : path, aspects)) yield return difference;
        string[] wanted = Names(expected);
        string[] there = Names(actual);
        foreach (string name in wanted.Except(there, StringComparer.Ordinal)) yield return $"{Shown(path, name)}: missing";
        foreach (string name in there.Except(wanted, StringComparer.Ordinal)) yield return $"{Shown(path, name)}: not expected";
        foreach (string name in wanted.Intersect(there, StringComparer.Ordinal))
        {
            string left = Path.Combine(expected, name);
            string right = Path.Combine(actual, name);
            int type = Posix.Stat(left).Type;
            IEnumerable<string> differences = type != Posix.Stat(right).Type
                ? [$"{Shown(path, name)}: type {TypeName(type)} became {TypeName(Posix.Stat(right).Type)}"]
                : type == 0x4000 ? Folder(left, right, Shown(path, name), aspects)
                : Leaf(left, right, Shown(path, name), type, aspects);
            foreach (string difference in differences) yield return difference;
        }
    }

    private static IEnumerable<string> Leaf(string left, string right, string shown, int type, TreeAspects aspects)
    {
        foreach (string difference in Metadata(left, right, shown, aspects)) yield return difference;
        if (type == 0xa000)
        {
            string? from = new FileInfo(left).LinkTarget;
            string? to = new FileInfo(right).LinkTarget;
            if (from != to) yield return $"{shown}: link target '{from}' became '{to}'";
        }
        else if (type == 0x8000 && Bytes(left, right) is { } difference)
        {
            yield return $"{shown}: {difference}";
        }
    }

    private static IEnumerable<string> Metadata(string left, string right, string shown, TreeAspects aspects)
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
        if (aspects.HasFlag(TreeAspects.HardLinks) && from.Type == 0x8000 && from.Links != to.Links)
        {
            yield return $"{shown}: {from.Links} names became {to.Links}";
        }
    }

    private static string? Bytes(string left, string right)
    {
        using FileStream expected = File.OpenRead(left);
        using FileStream actual = File.OpenRead(right);
        if (expected.Length != actual.Length) return $"length {expected.Length} became {actual.Length}";
        byte[] from = new byte[BufferLength];
        byte[] to = new byte[BufferLength];
        for (long offset = 0; ; offset += BufferLength)
        {
            int read = expected.ReadAtLeast(from, BufferLength, throwOnEndOfStream: false);
            int readToo = actual.ReadAtLeast(to, BufferLength, throwOnEndOfStream: false);
            int common = from.AsSpan(0, read).CommonPrefixLength(to.AsSpan(0, readToo));
            if (common < read || common < readToo) return $"bytes differ from offset {offset + common}";
            if (read < BufferLength) return null;
        }
    }

    private static string[] Names(string folder) => [.. new DirectoryInfo(folder)
        .EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false })
        .Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    private static string TypeName(int type) => type switch
    {
        0x4000 => "folder",
        0x8000 => "file",
        0xa000 => "link",
        0x1000 => "pipe",
        0xc000 => "socket",
        _ => "device",
    };

    // A newline in a name would break the report into pieces that look like other names.
    private static string Shown(string path, string name)
    {
        string clear = string.Concat(name.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()));
        return path.Length == 0 ? clear : $"{path}/{clear}";
    }
}
