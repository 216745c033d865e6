using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// What <c>find</c> looks for: names as <see cref="NamePattern"/> has them. A pattern that begins with '/' is for the whole path,
/// one with '/' inside for the end of it, any other for the last name. '**' stands for any number of folders, at the end for
/// everything inside.
/// </summary>
internal sealed class FindPattern
{
    // Null: '**'.
    private readonly List<NamePattern?> _parts = [];

    /// <exception cref="AgentException">It is no pattern (exit 2).</exception>
    public FindPattern(string pattern)
    {
        var bytes = PathText.Encode(pattern);
        if (bytes.Length == 0 || bytes[0] != PathBytes.Separator)
        {
            _parts.Add(null);
        }

        try
        {
            foreach (var part in PathBytes.Components(bytes))
            {
                _parts.Add(part.AsSpan().SequenceEqual("**"u8) ? null : NamePattern.Parse(part));
            }
        }
        catch (FormatException e)
        {
            throw AgentException.Usage($"'{pattern}' is no pattern: {e.Message}.");
        }

        if (bytes.Length == 0 || _parts.Count == 0)
        {
            throw AgentException.Usage("The pattern names nothing. '*' finds everything.");
        }
    }

    public bool IsMatch(CatalogPath path)
    {
        // Most paths fail by their last name: that is looked at first.
        if (_parts[^1] is { } last && !last.Matches(path.Name))
        {
            return false;
        }

        var names = PathBytes.Components(path.Span);
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
