namespace BackupPlatform.Agent.Files;

/// <summary>
/// One pattern of what to leave out. Without a '/', but for one at its end, it is matched against the name, at any depth.
/// With one it is matched against the whole way: from the system's root, where it begins with '/', else from each source.
/// '**' stands for any number of directories. A '/' at its end: directories alone. A '!' in front: to be kept after all.
/// </summary>
internal sealed class ExcludeRule
{
    private readonly WayPattern _way;
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
        _way = new WayPattern(PathBytes.Components(pattern).Where(part => !part.AsSpan().SequenceEqual("."u8)));
        if (_way.IsEmpty)
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
            return _way.CanEndWith(path[(path.LastIndexOf(PathBytes.Separator) + 1)..]);
        }

        return _way.Matches(PathBytes.Components(_fromRoot ? path : path[source.Length..]));
    }
}
