using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>An entry on its way into a backup.</summary>
/// <param name="Path">Absolute, in bytes.</param>
/// <param name="Directory">Its directory, open until the walk goes on.</param>
/// <param name="Name">Its name there.</param>
/// <param name="LinkTarget">Of a symbolic link; else null.</param>
/// <param name="Attributes">Extended attributes.</param>
/// <param name="Unlisted">A directory whose names could not be read.</param>
internal readonly record struct SourceEntry(
    byte[] Path, SafeFileHandle Directory, byte[] Name, FileStat Stat, byte[]? LinkTarget, List<AttributeValue> Attributes, bool Unlisted = false);

/// <summary>What a walk leaves out.</summary>
/// <param name="OnError">Something that was asked for could not be read: its path, a stable word for what went wrong, and why.</param>
/// <param name="OnSkipped">Sockets, the agent's own home, and what the rules exclude.</param>
internal sealed record WalkNotes(Action<byte[], string, string> OnError, Action<byte[], string> OnSkipped);

/// <summary>
/// Walks sources in the catalog's order: a directory before what is in it, names sorted by their bytes, a subtree as a
/// whole before its next sibling. Mount points are crossed, symbolic links are not followed, except above a path that was
/// asked for. What was asked for by its path is not excluded, but where it lies in another such path.
/// </summary>
/// <remarks>Holds an open descriptor and the sorted names of each directory between the root and where it stands.</remarks>
internal sealed class SourceWalker(SourceSelection selection, FileStat? excludedDirectory, WalkNotes notes, ExcludeRules? rules = null)
{
    public IEnumerable<SourceEntry> Walk()
    {
        var levels = new Stack<Level>();
        try
        {
            levels.Push(OpenRoot());
            while (levels.TryPeek(out var level))
            {
                if (!level.TryNext(out var name))
                {
                    levels.Pop().Dispose();
                    continue;
                }

                var child = level.Selection?.Child(name);
                if (Look(level, name, child) is not { } entry)
                {
                    continue;
                }

                // Before the directory itself is told, for what is told says whether it could be listed.
                var isDirectory = entry.Stat.Kind == FileKind.Directory;
                var below = isDirectory ? Enter(level, entry, child) : null;
                if (below is not null)
                {
                    levels.Push(below);
                }

                yield return entry with { Unlisted = isDirectory && below is null };
            }
        }
        finally
        {
            foreach (var level in levels)
            {
                level.Dispose();
            }
        }
    }

    private Level OpenRoot()
    {
        var handle = FileSystem.OpenDirectoryFollowing(PathBytes.Root);
        var root = PathBytes.Root.ToArray();
        return selection.IsWhole
            ? new Level(root, handle, SortedNames(handle), null, [])
            : new Level(root, handle, [.. selection.Names], selection, null);
    }

    private SourceEntry? Look(Level level, byte[] name, SourceSelection? child)
    {
        var path = PathBytes.Join(level.Path, name);
        if (path.Length > CatalogPath.MaxLength)
        {
            notes.OnError(path, "path-too-long", $"its path has more than {CatalogPath.MaxLength} bytes; a backup of a directory inside has it");
            return null;
        }

        try
        {
            var passing = child is { IsWhole: false };
            var stat = passing ? FileSystem.StatFollowing(path) : FileSystem.Stat(level.Handle, name);
            if (passing && stat.Kind != FileKind.Directory)
            {
                notes.OnError(path, "unreadable", "is not a directory");
                return null;
            }

            if (WhyLeftOut(level, path, stat) is { } why)
            {
                notes.OnSkipped(path, why);
                return null;
            }

            var target = stat.Kind == FileKind.SymbolicLink ? FileSystem.ReadLink(level.Handle, name) : null;
            return new SourceEntry(path, level.Handle, name, stat, target, ReadAttributes(level, name, path, passing));
        }
        catch (FileError e) when (e.IsMissing && child is null)
        {
            // It was there when the directory was listed: deleted since, as files are.
            notes.OnError(path, "vanished", "vanished while the backup was running");
            return null;
        }
        catch (FileError e)
        {
            notes.OnError(path, e.IsMissing ? "not-found" : "unreadable", e.Message);
            return null;
        }
    }

    private string? WhyLeftOut(Level level, byte[] path, FileStat stat)
    {
        if (stat.Kind == FileKind.Socket)
        {
            return "is a socket";
        }

        if (excludedDirectory is { } home && (stat.Inode, stat.Device) == (home.Inode, home.Device))
        {
            return "is the agent's own state";
        }

        return level.Source is { } source && rules?.Excludes(path, source, stat.Kind == FileKind.Directory) == true ? "is excluded" : null;
    }

    private List<AttributeValue> ReadAttributes(Level level, byte[] name, byte[] path, bool passing)
    {
        try
        {
            // A link that is passed through stands for the directory that it leads to.
            return FileExtendedAttributes.Read(level.Handle, passing ? [.. name, PathBytes.Separator, (byte)'.'] : name);
        }
        catch (FileError e) when (!e.IsMissing)
        {
            notes.OnError(path, "attributes-unreadable", $"{e.Message}; the rest of it is kept");
            return [];
        }
    }

    private Level? Enter(Level level, SourceEntry entry, SourceSelection? child)
    {
        SafeFileHandle? handle = null;
        try
        {
            if (child is { IsWhole: false })
            {
                handle = FileSystem.OpenPassage(entry.Path);
                return new Level(entry.Path, handle, [.. child.Names], child, null);
            }

            handle = FileSystem.OpenDirectory(entry.Directory, entry.Name);
            var names = SortedNames(handle);
            if (rules is { Caches: true } && ExcludeRules.IsCache(handle, names))
            {
                notes.OnSkipped(entry.Path, "is a cache, and its content is excluded");
                names.RemoveAll(name => !ExcludeRules.IsCacheTag(name));
            }

            return new Level(entry.Path, handle, names, null, level.Source ?? entry.Path);
        }
        catch (FileError e)
        {
            handle?.Dispose();
            notes.OnError(entry.Path, e.IsMissing ? "vanished" : "not-listed", $"{e.Message}; what is in it is not in this recovery point");
            return null;
        }
    }

    private static List<byte[]> SortedNames(SafeFileHandle directory)
    {
        var names = FileSystem.Names(directory);
        names.Sort(SourceSelection.ByteOrder);
        return names;
    }

    /// <param name="selection">Of a directory that is only passed through: where to go; null: everything in it.</param>
    /// <param name="source">The path that was asked for and led here; null where it only leads to one.</param>
    private sealed class Level(
        byte[] path, SafeFileHandle handle, List<byte[]> names, SourceSelection? selection, byte[]? source) : IDisposable
    {
        private int _next;

        public byte[] Path => path;

        public SafeFileHandle Handle => handle;

        public SourceSelection? Selection => selection;

        public byte[]? Source => source;

        public bool TryNext(out byte[] name)
        {
            name = _next < names.Count ? names[_next] : [];
            return _next++ < names.Count;
        }

        public void Dispose() => handle.Dispose();
    }
}
