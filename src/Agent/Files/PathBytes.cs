namespace BackupPlatform.Agent.Files;

/// <summary>Pure functions on absolute paths of bytes.</summary>
internal static class PathBytes
{
    public const byte Separator = (byte)'/';

    public static ReadOnlySpan<byte> Root => "/"u8;

    /// <summary>
    /// The absolute path without '.', '..' and doubled separators that <paramref name="path"/> means in
    /// <paramref name="currentDirectory"/>. '..' is taken by the text, as shells and the field's tools do.
    /// </summary>
    public static byte[] Absolute(ReadOnlySpan<byte> path, ReadOnlySpan<byte> currentDirectory)
    {
        var parts = new List<byte[]>();
        if (path.IsEmpty || path[0] != Separator)
        {
            Push(parts, currentDirectory);
        }

        Push(parts, path);
        return Combine(parts);
    }

    /// <summary>The components of an absolute path, in order; none for the root.</summary>
    public static List<byte[]> Components(ReadOnlySpan<byte> path)
    {
        var parts = new List<byte[]>();
        foreach (var range in path.Split(Separator))
        {
            if (!path[range].IsEmpty)
            {
                parts.Add(path[range].ToArray());
            }
        }

        return parts;
    }

    public static byte[] Combine(IEnumerable<byte[]> components)
    {
        var path = components.SelectMany(part => (byte[])[Separator, .. part]).ToArray();
        return path.Length == 0 ? Root.ToArray() : path;
    }

    /// <summary>The path of a child.</summary>
    public static byte[] Join(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        if (directory.SequenceEqual(Root))
        {
            directory = default;
        }

        var path = new byte[directory.Length + 1 + name.Length];
        directory.CopyTo(path);
        path[directory.Length] = Separator;
        name.CopyTo(path.AsSpan(directory.Length + 1));
        return path;
    }

    /// <summary>Whether a path is the directory itself or lies below it.</summary>
    public static bool IsWithin(ReadOnlySpan<byte> path, ReadOnlySpan<byte> directory) =>
        directory.SequenceEqual(Root)
        || (path.StartsWith(directory) && (path.Length == directory.Length || path[directory.Length] == Separator));

    /// <summary>Whether a name can stand for one entry of a directory: what a damaged or hostile catalog must not get past.</summary>
    public static bool IsSafeName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 255 && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
        && name.IndexOfAny(Separator, (byte)0) < 0;

    private static void Push(List<byte[]> parts, ReadOnlySpan<byte> path)
    {
        foreach (var part in Components(path))
        {
            if (part.AsSpan().SequenceEqual(".."u8))
            {
                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }
            }
            else if (!part.AsSpan().SequenceEqual("."u8))
            {
                parts.Add(part);
            }
        }
    }
}
