namespace BackupPlatform.Agent.Files;

/// <summary>
/// One pattern of what to leave out. Without a '/', but for one at its end, it is matched against the name, at any depth.
/// With one it is matched against the whole way: from the system's root, where it begins with '/', else from each source.
/// '**' stands for any number of directories. A '/' at its end: directories alone. A '!' in front: to be kept after all.
/// </summary>
internal sealed class ExcludeRule
{
    // Null: '**'.
    private readonly List<NamePattern?> _parts = [];
    private readonly bool _directories;
    private readonly bool _wholeWay;
    private readonly bool _fromRoot;

    private ExcludeRule(ReadOnlySpan<byte> pattern)
    {
        IsKept = pattern.StartsWith("!"u8);
        pattern = IsKept ? pattern[1..] : pattern;
        _directories = pattern.EndsWith("/"u8);
        pattern = _directories ? pattern[..^1] : pattern;
        _fromRoot = pattern.StartsWith("/"u8);
        _wholeWay = pattern.Contains(PathBytes.Separator);
        foreach (var part in PathBytes.Components(pattern))
        {
            if (!part.AsSpan().SequenceEqual("."u8))
            {
                _parts.Add(part.AsSpan().SequenceEqual("**"u8) ? null : NamePattern.Parse(part));
            }
        }

        if (_parts.Count == 0)
        {
            throw new FormatException("it names nothing");
        }
    }

    /// <summary>Whether what matches is kept, whatever an earlier rule says.</summary>
    public bool IsKept { get; }

    /// <exception cref="FormatException">It is no pattern.</exception>
    public static ExcludeRule Parse(ReadOnlySpan<byte> pattern) => new(pattern);

    /// <param name="path">Absolute.</param>
    /// <param name="source">The path that was asked for, which this lies below.</param>
    public bool Matches(ReadOnlySpan<byte> path, ReadOnlySpan<byte> source, bool isDirectory)
    {
        if (_directories && !isDirectory)
        {
            return false;
        }

        if (!_wholeWay)
        {
            return _parts[0] is not { } name || name.Matches(path[(path.LastIndexOf(PathBytes.Separator) + 1)..]);
        }

        return Matches(PathBytes.Components(_fromRoot ? path : path[source.Length..]));
    }

    private bool Matches(List<byte[]> names)
    {
        // As with the stars of a name: only the last '**' is ever tried again.
        var (at, part, any, anyAt) = (0, 0, -1, 0);
        while (at < names.Count)
        {
            if (part < _parts.Count && _parts[part] is null)
            {
                (any, anyAt) = (part++, at);
                if (part == _parts.Count)
                {
                    // At the end it stands for everything inside, not for the directory itself.
                    return true;
                }
            }
            else if (part < _parts.Count && _parts[part]!.Matches(names[at]))
            {
                (part, at) = (part + 1, at + 1);
            }
            else if (any >= 0)
            {
                (part, at) = (any + 1, ++anyAt);
            }
            else
            {
                return false;
            }
        }

        return part == _parts.Count;
    }
}
