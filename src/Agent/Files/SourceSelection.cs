namespace BackupPlatform.Agent.Files;

/// <summary>The paths that a backup was asked for, as one tree: what lies between them and the root is only passed through.</summary>
internal sealed class SourceSelection
{
    private readonly SortedDictionary<byte[], SourceSelection> _children = new(ByteOrder);

    private SourceSelection()
    {
    }

    /// <summary>Everything from here on is asked for.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The names that lead to what is asked for, sorted by their bytes.</summary>
    public IReadOnlyCollection<byte[]> Names => _children.Keys;

    public static Comparer<byte[]> ByteOrder { get; } =
        Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right));

    /// <summary>The tree of these absolute paths; one inside another adds nothing.</summary>
    public static SourceSelection Of(IEnumerable<byte[]> paths)
    {
        var root = new SourceSelection();
        foreach (var path in paths)
        {
            var node = root;
            foreach (var name in PathBytes.Components(path))
            {
                if (!node._children.TryGetValue(name, out var child))
                {
                    child = new SourceSelection();
                    node._children.Add(name, child);
                }

                node = child;
            }

            node.IsWhole = true;
        }

        return root;
    }

    public SourceSelection Child(byte[] name) => _children[name];
}
