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
    private readonly WayPattern _way;

    /// <exception cref="AgentException">It is no pattern (exit 2).</exception>
    public FindPattern(string pattern)
    {
        var bytes = PathText.Encode(pattern);
        // From the root, or anywhere.
        byte[][] start = bytes.Length > 0 && bytes[0] == PathBytes.Separator ? [] : ["**"u8.ToArray()];
        try
        {
            _way = new WayPattern(start.Concat(PathBytes.Components(bytes)));
        }
        catch (FormatException e)
        {
            throw AgentException.Usage($"'{pattern}' is no pattern: {e.Message}.");
        }

        if (bytes.Length == 0 || _way.IsEmpty)
        {
            throw AgentException.Usage("The pattern names nothing. '*' finds everything.");
        }
    }

    // Most paths fail by their last name: that is looked at first.
    public bool IsMatch(CatalogPath path) => _way.CanEndWith(path.Name) && _way.Matches(PathBytes.Components(path.Span));
}
