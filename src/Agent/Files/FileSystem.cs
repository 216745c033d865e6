using System.Runtime.InteropServices;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>
/// Linux file access on names of bytes, relative to open directories, so that no component can be exchanged for a
/// symbolic link between a check and its use. Every failure is a <see cref="FileError"/>.
/// </summary>
internal static unsafe partial class FileSystem
{
    /// <summary>Stands for a path that is absolute or relative to the working directory.</summary>
    public static SafeFileHandle CurrentDirectory { get; } = new(Libc.AtCurrentDirectory, ownsHandle: false);

    /// <summary>Attributes of an entry; a symbolic link is not followed.</summary>
    public static FileStat Stat(SafeFileHandle directory, ReadOnlySpan<byte> name) => Stat(directory, name, Libc.AtNoFollow);

    /// <summary>Attributes of what a path leads to, symbolic links followed.</summary>
    public static FileStat StatFollowing(ReadOnlySpan<byte> path) => Stat(CurrentDirectory, path, 0);

    /// <summary>Attributes of an open file.</summary>
    public static FileStat Stat(SafeFileHandle file) => Stat(file, default, Libc.AtEmptyPath);

    /// <summary>Attributes, or null where there is no such entry.</summary>
    public static FileStat? TryStat(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        try
        {
            return Stat(directory, name);
        }
        catch (FileError e) when (e.IsMissing)
        {
            return null;
        }
    }

    /// <summary>Opens a directory that must not be a symbolic link.</summary>
    public static SafeFileHandle OpenDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name) =>
        Open(parent, name, Libc.OpenRead | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenNonBlock, 0, "open directory");

    /// <summary>Opens a directory by its path, symbolic links followed.</summary>
    public static SafeFileHandle OpenDirectoryFollowing(ReadOnlySpan<byte> path) =>
        Open(CurrentDirectory, path, Libc.OpenRead | Libc.OpenDirectory | Libc.OpenNonBlock, 0, "open directory");

    /// <summary>
    /// Opens a directory by its path only to go further from there, symbolic links followed: that needs no permission to
    /// list it.
    /// </summary>
    public static SafeFileHandle OpenPassage(ReadOnlySpan<byte> path) =>
        Open(CurrentDirectory, path, Libc.OpenPathOnly | Libc.OpenDirectory, 0, "open directory");

    /// <summary>
    /// Opens for reading, without waiting on a pipe that took the file's place, and without changing its access time
    /// where the owner alone may ask for that.
    /// </summary>
    public static SafeFileHandle OpenForReading(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        const int flags = Libc.OpenRead | Libc.OpenNonBlock;
        try
        {
            return Open(directory, name, flags | Libc.OpenNoFollow | Libc.OpenNoAccessTime, 0, "open");
        }
        catch (FileError e) when (e.Number == Libc.ErrorNoPermission)
        {
            return Open(directory, name, flags | Libc.OpenNoFollow, 0, "open");
        }
    }

    /// <summary>Creates a file that must not be there yet, for its owner alone.</summary>
    public static SafeFileHandle CreateNew(SafeFileHandle directory, ReadOnlySpan<byte> name) => Open(
        directory, name, Libc.OpenReadWrite | Libc.OpenCreate | Libc.OpenExclusive | Libc.OpenNoFollow, 0x180, "create");

    /// <summary>Opens an existing file for writing; not through a symbolic link.</summary>
    public static SafeFileHandle OpenForWriting(SafeFileHandle directory, ReadOnlySpan<byte> name) =>
        Open(directory, name, Libc.OpenReadWrite | Libc.OpenNoFollow | Libc.OpenNonBlock, 0, "open");

    public static byte[] ReadLink(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        Span<byte> buffer = stackalloc byte[4096 + 1];
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        fixed (byte* target = buffer)
        {
            var length = Libc.ReadLinkAt(at.Number, path.Pointer, target, buffer.Length);
            Check(length < 0 ? -1 : 0, "read symbolic link");
            return buffer[..(int)length].ToArray();
        }
    }

    public static void MakeSymbolicLink(ReadOnlySpan<byte> target, SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        using var text = new NativePath(target);
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.SymbolicLinkAt(text.Pointer, at.Number, path.Pointer), "create symbolic link");
    }

    /// <summary>Makes a directory for its owner alone.</summary>
    /// <returns>False where an entry of that name is there already.</returns>
    public static bool MakeDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(parent);
        if (Libc.MakeDirectoryAt(at.Number, path.Pointer, 0x1c0) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == Libc.ErrorExists
            ? false
            : throw new FileError(Marshal.GetLastPInvokeError(), "create directory");
    }

    public static void SetMode(SafeFileHandle file, uint mode)
    {
        using var open = new Borrowed(file);
        Check(Libc.ChangeMode(open.Number, mode), "set mode");
    }

    /// <summary>Sets the owner of an entry, of a symbolic link itself.</summary>
    public static void SetOwner(SafeFileHandle directory, ReadOnlySpan<byte> name, uint user, uint group)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.ChangeOwnerAt(at.Number, path.Pointer, user, group, Libc.AtNoFollow), "set owner");
    }

    /// <summary>Sets the modification time (and the access time to the same) of an entry, of a symbolic link itself.</summary>
    public static void SetTime(SafeFileHandle directory, ReadOnlySpan<byte> name, long nanoseconds) =>
        SetTime(directory, name, TimeOf(nanoseconds));

    /// <inheritdoc cref="SetTime(SafeFileHandle, ReadOnlySpan{byte}, long)"/>
    public static void SetTime(SafeFileHandle directory, ReadOnlySpan<byte> name, FarTime modified)
    {
        var both = stackalloc Libc.TimeSpec[] { Libc.TimeSpec.Of(modified), Libc.TimeSpec.Of(modified) };
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.SetTimesAt(at.Number, path.Pointer, both, Libc.AtNoFollow), "set times");
    }

    /// <summary>The same of an open file or directory, whatever its mode allows by now.</summary>
    public static void SetTime(SafeFileHandle file, FarTime modified)
    {
        var both = stackalloc Libc.TimeSpec[] { Libc.TimeSpec.Of(modified), Libc.TimeSpec.Of(modified) };
        using var open = new Borrowed(file);
        Check(Libc.SetTimes(open.Number, both), "set times");
    }

    /// <summary>Nanoseconds since 1970 as seconds and what is left.</summary>
    public static FarTime TimeOf(long nanoseconds)
    {
        var seconds = Math.DivRem(nanoseconds, 1_000_000_000, out var rest);
        return rest < 0 ? new FarTime(seconds - 1, (int)rest + 1_000_000_000) : new FarTime(seconds, (int)rest);
    }

    public static void Remove(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.UnlinkAt(at.Number, path.Pointer, 0), "remove");
    }

    /// <summary>Gives an entry another name in the same directory, in one step.</summary>
    /// <returns>False where <paramref name="replace"/> is false and the name is taken.</returns>
    public static bool Rename(SafeFileHandle directory, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, bool replace)
    {
        using var source = new NativePath(from);
        using var target = new NativePath(to);
        using var at = new Borrowed(directory);
        if (Libc.RenameAt(at.Number, source.Pointer, at.Number, target.Pointer, replace ? 0 : Libc.RenameNoReplace) == 0)
        {
            return true;
        }

        var number = Marshal.GetLastPInvokeError();
        return number == Libc.ErrorExists && !replace ? false : throw new FileError(number, "rename");
    }

    /// <summary>Waits until the file or directory is on the disk.</summary>
    public static void Sync(SafeFileHandle file)
    {
        using var open = new Borrowed(file);
        Check(Libc.Sync(open.Number), "write to disk");
    }

    /// <summary>Waits until everything written to the file system of a file or directory is on the disk.</summary>
    public static void SyncAll(SafeFileHandle file)
    {
        using var open = new Borrowed(file);
        Check(Libc.SyncFileSystem(open.Number), "write to disk");
    }

    /// <summary>The names in a directory, without '.' and '..', in no order.</summary>
    /// <remarks>One directory's names are held at once, for they are to be sorted: about 50 bytes a name.</remarks>
    public static List<byte[]> Names(SafeFileHandle directory)
    {
        // A stream owns its descriptor, and the position is the descriptor's: so it gets one of its own.
        var own = Open(directory, "."u8, Libc.OpenRead | Libc.OpenDirectory, 0, "open directory");
        var number = (int)own.DangerousGetHandle();
        var stream = Libc.OpenDirectoryStream(number);
        if (stream == 0)
        {
            own.Dispose();
            throw new FileError(Marshal.GetLastPInvokeError(), "read directory");
        }

        own.SetHandleAsInvalid();
        try
        {
            return ReadNames(stream);
        }
        finally
        {
            _ = Libc.CloseDirectoryStream(stream);
        }
    }

    /// <summary>The working directory.</summary>
    public static byte[] WorkingDirectory() => ReadLink(CurrentDirectory, "/proc/self/cwd"u8);

    private static List<byte[]> ReadNames(nint stream)
    {
        const int nameOffset = 19;
        var names = new List<byte[]>();
        while (true)
        {
            var record = Libc.ReadDirectory(stream);
            if (record == null)
            {
                var number = Marshal.GetLastPInvokeError();
                return number == 0 ? names : throw new FileError(number, "read directory");
            }

            var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(record + nameOffset);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            {
                names.Add(name.ToArray());
            }
        }
    }

    private static FileStat Stat(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Libc.StatxBuffer buffer;
        Check(Libc.Statx(at.Number, path.Pointer, flags, Libc.StatxBasic, &buffer), "read attributes");
        return FileStat.From(buffer);
    }

    private static SafeFileHandle Open(SafeFileHandle directory, ReadOnlySpan<byte> name, int flags, uint mode, string operation)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        int file;
        do
        {
            file = Libc.OpenAt(at.Number, path.Pointer, flags | Libc.OpenCloseOnExec, mode);
        }
        while (file < 0 && Marshal.GetLastPInvokeError() == Libc.ErrorInterrupted);

        Check(file < 0 ? -1 : 0, operation);
        return new SafeFileHandle(file, ownsHandle: true);
    }

    private static void Check(int result, string operation)
    {
        if (result != 0)
        {
            throw new FileError(Marshal.GetLastPInvokeError(), operation);
        }
    }

    /// <summary>A handle's number, kept open meanwhile.</summary>
    private ref struct Borrowed
    {
        private readonly SafeFileHandle _handle;
        private bool _added;

        public Borrowed(SafeFileHandle handle)
        {
            _handle = handle;
            handle.DangerousAddRef(ref _added);
            Number = (int)handle.DangerousGetHandle();
        }

        public int Number { get; }

        public void Dispose()
        {
            if (_added)
            {
                _handle.DangerousRelease();
            }
        }
    }
}
