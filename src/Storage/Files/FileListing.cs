using System.IO.Enumeration;

namespace BackupPlatform.Storage.Files;

/// <summary>
/// Walks a store's folders in the order of blob names. Folders answer in no order and may hold a million files, so each is read anew
/// for every <see cref="PageLength"/> of its entries, keeping the least that follow the last one taken: memory is bounded by pages and
/// depth, and a folder of n entries is read n / <see cref="PageLength"/> + 1 times.
/// </summary>
internal sealed class FileListing
{
    internal const int PageLength = 8192;
    private const int ItemsAtOnce = 1024;

    private readonly string _root;
    private readonly string _prefix;
    private readonly Stack<Level> _levels = new();

    internal FileListing(string root, string prefix)
    {
        _root = root;
        _prefix = prefix;
        _levels.Push(new Level(prefix[..(prefix.LastIndexOf('/') + 1)]));
    }

    /// <summary>The next items, none at the end.</summary>
    internal BlobItem[] Next()
    {
        var items = new List<BlobItem>();
        while (items.Count < ItemsAtOnce && _levels.TryPeek(out Level? level))
        {
            if (!level.TryTake(_root, _prefix, out string? key))
            {
                _levels.Pop();
            }
            else if (key.EndsWith('/'))
            {
                _levels.Push(new Level(level.Folder + key));
            }
            else
            {
                var file = new FileInfo(Path.Combine(_root, level.Folder + key));
                if (file.Exists) items.Add(new BlobItem(level.Folder + key, file.Length));
            }
        }
        return [.. items];
    }

    /// <summary>One folder on the way. The key of a folder within it ends with a slash, which is where its blobs sort.</summary>
    private sealed class Level(string folder)
    {
        private Queue<string> _page = new();
        private string _last = "";
        private bool _complete;

        internal string Folder { get; } = folder;

        internal bool TryTake(string root, string prefix, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? key)
        {
            if (_page.Count == 0 && !_complete) ReadPage(root, prefix);
            if (!_page.TryDequeue(out key)) return false;
            _last = key;
            return true;
        }

        private void ReadPage(string root, string prefix)
        {
            var least = new SortedSet<string>(StringComparer.Ordinal);
            _complete = true;
            try
            {
                foreach (string key in Keys(Path.Combine(root, Folder)))
                {
                    if (string.CompareOrdinal(key, _last) <= 0 || !Matches(Folder + key, prefix) || !least.Add(key)) continue;
                    if (least.Count <= PageLength) continue;
                    least.Remove(least.Max!);
                    _complete = false;
                }
            }
            catch (DirectoryNotFoundException)
            {
                // No blob lies here. The store itself looks whether it is still there.
            }
            _page = new Queue<string>(least);
        }

        private static FileSystemEnumerable<string> Keys(string folder) => new(
            folder,
            (ref FileSystemEntry entry) => entry.IsDirectory ? string.Concat(entry.FileName, "/") : entry.FileName.ToString(),
            new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => BlobName.IsSegment(entry.FileName),
        };

        // A folder on the way to the prefix, or anything within it.
        private static bool Matches(string path, string prefix) =>
            path.StartsWith(prefix, StringComparison.Ordinal)
            || (path.EndsWith('/') && prefix.StartsWith(path, StringComparison.Ordinal));
    }
}
