using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>An entry on its way into a backup.</summary>
/// <param name="Path">Absolute, in bytes.</param>
/// <param name="Directory">Its directory, open until the walk goes on.</param>
/// <param name="Name">Its name there.</param>
/// <param name="LinkTarget">Of a symbolic link; else null.</param>
internal readonly record struct SourceEntry(
    byte[] Path, SafeFileHandle Directory, byte[] Name, FileStat Stat, byte[]? LinkTarget);

/// <summary>What a walk leaves out.</summary>
/// <param name="OnError">Something that was asked for could not be read: its path, and why.</param>
/// <param name="OnSkipped">Something that is no file, directory or symbolic link, or the agent's own home.</param>
internal sealed record WalkNotes(Action<byte[], string> OnError, Action<byte[], string> OnSkipped);

/// <summary>
/// Walks sources in the catalog's order: a directory before what is in it, names sorted by their bytes, a subtree as a
/// whole before its next sibling. Mount points are crossed, symbolic links are not followed, except above a path that was
/// asked for.
/// </summary>
/// <remarks>Holds an open descriptor and the sorted names of each directory between the root and where it stands.</remarks>
internal sealed class SourceWalker(SourceSelection selection, FileStat? excludedDirectory, WalkNotes notes)
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

                yield return entry;
                if (entry.Stat.Kind == FileKind.Directory && Enter(entry, child) is { } below)
                {
                    levels.Push(below);
                }
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
        return selection.IsWhole
            ? new Level(PathBytes.Root.ToArray(), handle, SortedNames(handle), null)
            : new Level(PathBytes.Root.ToArray(), handle, [.. selection.Names], selection);
    }

    private SourceEntry? Look(Level level, byte[] name, SourceSelection? child)
    {
        var path = PathBytes.Join(level.Path, name);
        try
        {
            var passing = child is { IsWhole: false };
            var stat = passing ? FileSystem.StatFollowing(path) : FileSystem.Stat(level.Handle, name);
            if (passing && stat.Kind != FileKind.Directory)
            {
                notes.OnError(path, "is not a directory");
                return null;
            }

            if (stat.Kind == FileKind.Special)
            {
                notes.OnSkipped(path, "is a socket, a pipe or a device");
                return null;
            }

            if (excludedDirectory is { } home && (stat.Inode, stat.Device) == (home.Inode, home.Device))
            {
                notes.OnSkipped(path, "is the agent's own state");
                return null;
            }

            var target = stat.Kind == FileKind.SymbolicLink ? FileSystem.ReadLink(level.Handle, name) : null;
            return new SourceEntry(path, level.Handle, name, stat, target);
        }
        catch (FileError e) when (e.IsMissing && child is null)
        {
            // It was there when the directory was listed: deleted since, as files are.
            notes.OnError(path, "vanished while the backup was running");
            return null;
        }
        catch (FileError e)
        {
            notes.OnError(path, e.Message);
            return null;
        }
    }

    private Level? Enter(SourceEntry entry, SourceSelection? child)
    {
        SafeFileHandle? handle = null;
        try
        {
            if (child is { IsWhole: false })
            {
                handle = FileSystem.OpenDirectoryFollowing(entry.Path);
                return new Level(entry.Path, handle, [.. child.Names], child);
            }

            handle = FileSystem.OpenDirectory(entry.Directory, entry.Name);
            return new Level(entry.Path, handle, SortedNames(handle), null);
        }
        catch (FileError e)
        {
            handle?.Dispose();
            notes.OnError(entry.Path, e.Message);
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
    private sealed class Level(byte[] path, SafeFileHandle handle, List<byte[]> names, SourceSelection? selection) : IDisposable
    {
        private int _next;

        public byte[] Path => path;

        public SafeFileHandle Handle => handle;

        public SourceSelection? Selection => selection;

        public bool TryNext(out byte[] name)
        {
            name = _next < names.Count ? names[_next] : [];
            return _next++ < names.Count;
        }

        public void Dispose() => handle.Dispose();
    }
}
