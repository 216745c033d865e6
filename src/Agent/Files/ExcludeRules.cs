using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>What a backup leaves out because it was told to. The last rule that matches decides, as in .gitignore.</summary>
internal sealed class ExcludeRules
{
    private const int MaxFileBytes = 16 * 1024 * 1024;

    private readonly List<ExcludeRule> _rules = [];

    /// <summary>Whether the content of directories with a CACHEDIR.TAG is left out, but for the tag itself.</summary>
    public bool Caches { get; init; }

    /// <summary>Adds a pattern as it was written on the command line.</summary>
    /// <exception cref="FormatException">It is no pattern.</exception>
    public void Add(ReadOnlySpan<byte> pattern)
    {
        try
        {
            _rules.Add(ExcludeRule.Parse(pattern));
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{PathText.ForPeople(pattern)}' is no pattern: {e.Message}.");
        }
    }

    /// <summary>Adds the lines of a file. Empty lines and those that begin with '#' say nothing; '\#' and '\!' are signs of a name.</summary>
    /// <exception cref="FormatException">A line is no pattern.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void AddFile(byte[] path)
    {
        using var file = FileSystem.OpenForReading(FileSystem.CurrentDirectory, path);
        var size = FileSystem.Stat(file) is { Kind: FileKind.File, Size: <= MaxFileBytes } stat
            ? (int)stat.Size
            : throw new IOException("is no file of patterns");
        var content = new byte[size];
        var length = RandomAccess.Read(file, content, 0);
        foreach (var range in content.AsSpan(0, length).Split((byte)'\n'))
        {
            var line = content.AsSpan(range).TrimEnd((byte)'\r');
            line = line.EndsWith("\\ "u8) ? line : line.TrimEnd((byte)' ');
            if (!line.IsEmpty && line[0] != (byte)'#')
            {
                Add(line);
            }
        }
    }

    /// <param name="path">Absolute.</param>
    /// <param name="source">The path that was asked for, which this lies below.</param>
    public bool Excludes(ReadOnlySpan<byte> path, ReadOnlySpan<byte> source, bool isDirectory)
    {
        for (var i = _rules.Count - 1; i >= 0; i--)
        {
            if (_rules[i].Matches(path, source, isDirectory))
            {
                return !_rules[i].IsKept;
            }
        }

        return false;
    }

    /// <summary>Whether a directory is marked as a cache (see bford.info/cachedir).</summary>
    public static bool IsCache(SafeFileHandle directory, IReadOnlyList<byte[]> names)
    {
        if (!names.Any(name => IsCacheTag(name)))
        {
            return false;
        }

        try
        {
            using var tag = FileSystem.OpenForReading(directory, "CACHEDIR.TAG"u8);
            var signature = "Signature: 8a477f597d28d172789f06886806bc55"u8;
            var begin = new byte[signature.Length];
            return FileSystem.Stat(tag).Kind == FileKind.File
                && RandomAccess.Read(tag, begin, 0) == begin.Length && signature.SequenceEqual(begin);
        }
        catch (IOException)
        {
            // A tag that cannot be read marks nothing: better too much in a backup than too little.
            return false;
        }
    }

    public static bool IsCacheTag(ReadOnlySpan<byte> name) => name.SequenceEqual("CACHEDIR.TAG"u8);
}
