namespace BackupPlatform.Agent.Files;

/// <summary>A glob for the names along a path: each part is for one name, '**' for any number of them.</summary>
internal sealed class WayPattern
{
    // Null: '**'.
    private readonly List<NamePattern?> _parts = [];

    /// <param name="parts">As they stand between the '/' of a pattern.</param>
    /// <exception cref="FormatException">A part is no pattern for a name.</exception>
    public WayPattern(IEnumerable<byte[]> parts) =>
        _parts.AddRange(parts.Select(part => part.AsSpan().SequenceEqual("**"u8) ? null : NamePattern.Parse(part)));

    public bool IsEmpty => _parts.Count == 0;

    /// <summary>Whether a path whose last name is this one can match: cheaper than to look at its whole way.</summary>
    public bool CanEndWith(ReadOnlySpan<byte> name) => _parts[^1] is not { } last || last.Matches(name);

    /// <summary>Whether the names match, all of them. At the end '**' stands for everything inside, not for the directory itself.</summary>
    public bool Matches(List<byte[]> names)
    {
        var (at, part, any, anyAt) = (0, 0, -1, 0);
        while (at < names.Count)
        {
            if (part < _parts.Count && _parts[part] is null)
            {
                (any, anyAt) = (part++, at);
                if (part == _parts.Count)
                {
                    return true;
                }
            }
            else if (part < _parts.Count && _parts[part]!.Matches(names[at]))
            {
                (part, at) = (part + 1, at + 1);
            }
            else if (any >= 0)
            {
                // Only the last '**' is ever tried again: time grows with the product of the two lengths at worst.
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
