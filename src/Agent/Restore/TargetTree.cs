using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// The folder that is restored into. Every step below it opens one component and refuses symbolic links, so nothing that
/// lies in the target, and nothing in a catalog, leads a write out of it. Safe for several threads.
/// </summary>
internal sealed class TargetTree : IDisposable
{
    private const int MaxOpen = 128;

    private readonly SafeFileHandle _root;
    private readonly Lock _lock = new();
    private readonly Dictionary<CatalogPath, LinkedListNode<OpenDirectory>> _open = [];
    private readonly LinkedList<OpenDirectory> _recent = new();

    private TargetTree(SafeFileHandle root) => _root = root;

    /// <summary>Opens the target where it is there: symbolic links in its own path are followed.</summary>
    public static TargetTree? TryOpen(byte[] path)
    {
        try
        {
            return new TargetTree(FileSystem.OpenDirectoryFollowing(path));
        }
        catch (FileError e) when (e.Number == Libc.ErrorNoEntry)
        {
            return null;
        }
    }

    /// <summary>Opens the target, and makes it where it is not there.</summary>
    public static TargetTree Create(byte[] path)
    {
        if (TryOpen(path) is { } there)
        {
            return there;
        }

        var made = PathBytes.Root.ToArray();
        foreach (var name in PathBytes.Components(path))
        {
            using var parent = FileSystem.OpenDirectoryFollowing(made);
            FileSystem.MakeDirectory(parent, name);
            made = PathBytes.Join(made, name);
        }

        return new TargetTree(FileSystem.OpenDirectoryFollowing(path));
    }

    /// <summary>Does something in the directory that a path lies in, with its last name.</summary>
    /// <exception cref="FileError">The way there does not exist, or leads through something that is no directory.</exception>
    /// <exception cref="DamagedDataException">The path cannot be one.</exception>
    public T In<T>(CatalogPath path, Func<SafeFileHandle, byte[], T> action)
    {
        var name = path.Name.ToArray();
        if (!PathBytes.IsSafeName(name))
        {
            throw new DamagedDataException($"catalog entry '{path}'", "has an impossible name");
        }

        var directory = Borrow(path.Parent);
        try
        {
            return action(directory.Handle, name);
        }
        finally
        {
            Return(directory);
        }
    }

    /// <summary>Does something with a directory itself, open.</summary>
    public void With(CatalogPath path, Action<SafeFileHandle> action)
    {
        var directory = Borrow(path);
        try
        {
            action(directory.Handle);
        }
        finally
        {
            Return(directory);
        }
    }

    public void Dispose()
    {
        foreach (var directory in _recent)
        {
            directory.Handle.Dispose();
        }

        _root.Dispose();
    }

    private OpenDirectory Borrow(CatalogPath path)
    {
        lock (_lock)
        {
            if (path.IsRoot)
            {
                return new OpenDirectory(path, _root) { Users = 1 };
            }

            if (_open.TryGetValue(path, out var node))
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
            }
            else
            {
                node = _recent.AddFirst(new OpenDirectory(path, Open(path)));
                _open.Add(path, node);
                CloseOldest();
            }

            node.Value.Users++;
            return node.Value;
        }
    }

    private void Return(OpenDirectory directory)
    {
        lock (_lock)
        {
            directory.Users--;
        }
    }

    private void CloseOldest()
    {
        for (var node = _recent.Last; node is not null && _open.Count > MaxOpen;)
        {
            var before = node.Previous;
            if (node.Value.Users == 0 && node != _recent.First)
            {
                node.Value.Handle.Dispose();
                _open.Remove(node.Value.Path);
                _recent.Remove(node);
            }

            node = before;
        }
    }

    /// <summary>From the nearest directory above that is open, component by component.</summary>
    private SafeFileHandle Open(CatalogPath path)
    {
        var above = path.Parent;
        var names = new Stack<byte[]>();
        names.Push(path.Name.ToArray());
        while (!above.IsRoot && !_open.ContainsKey(above))
        {
            names.Push(above.Name.ToArray());
            above = above.Parent;
        }

        var from = above.IsRoot ? _root : _open[above].Value.Handle;
        var current = from;
        foreach (var name in names)
        {
            try
            {
                var next = FileSystem.OpenDirectory(current, name);
                current = Exchange(current, next, from);
            }
            catch
            {
                Exchange(current, from, from);
                throw;
            }
        }

        return current;
    }

    private static SafeFileHandle Exchange(SafeFileHandle old, SafeFileHandle next, SafeFileHandle keep)
    {
        if (!ReferenceEquals(old, keep))
        {
            old.Dispose();
        }

        return next;
    }

    private sealed class OpenDirectory(CatalogPath path, SafeFileHandle handle)
    {
        public CatalogPath Path => path;

        public SafeFileHandle Handle => handle;

        public int Users { get; set; }
    }
}
