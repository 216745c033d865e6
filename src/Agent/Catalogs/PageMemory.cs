using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// Catalog pages in memory, at most <see cref="MaxBytes"/>: those read longest ago go first. For points of another machine,
/// of which nothing is written to this one. For one thread at a time.
/// </summary>
internal sealed class PageMemory : IPageCache
{
    private const int MaxBytes = 64 * 1024 * 1024;

    private readonly Dictionary<ChunkId, LinkedListNode<(ChunkId Id, byte[] Page)>> _pages = [];
    private readonly LinkedList<(ChunkId Id, byte[] Page)> _byUse = [];
    private long _bytes;

    public bool Contains(ChunkId id) => _pages.ContainsKey(id);

    public byte[]? TryRead(ChunkId id)
    {
        if (!_pages.TryGetValue(id, out var node))
        {
            return null;
        }

        _byUse.Remove(node);
        _byUse.AddFirst(node);
        return node.Value.Page;
    }

    public void Write(ChunkId id, ReadOnlySpan<byte> page)
    {
        if (_pages.ContainsKey(id))
        {
            return;
        }

        _pages.Add(id, _byUse.AddFirst((id, page.ToArray())));
        for (_bytes += page.Length; _bytes > MaxBytes; _byUse.RemoveLast())
        {
            var (last, content) = _byUse.Last!.Value;
            _pages.Remove(last);
            _bytes -= content.Length;
        }
    }
}
