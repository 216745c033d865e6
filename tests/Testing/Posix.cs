using System.ComponentModel;
using System.Runtime.InteropServices;

namespace BackupPlatform.Testing;

/// <summary>Calls that set and read what the BCL cannot: times of links, owners, modes of anything. Linux on x64 or arm64.</summary>
public static partial class Posix
{
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint BasicStats = 0x7ff;

    /// <summary>What <c>statx</c> says of a path itself, without following a link.</summary>
    /// <param name="Type">The file type bits of the mode: 0x4000 folder, 0x8000 file, 0xa000 link, others special.</param>
    /// <param name="Mode">Permission bits, with set-id and sticky.</param>
    /// <param name="User">Owner.</param>
    /// <param name="Group">Group.</param>
    /// <param name="Size">In bytes.</param>
    /// <param name="ModifiedNanoseconds">Since 1970.</param>
    /// <param name="Links">Names of this file.</param>
    /// <param name="Id">Device and inode: the same for two names of one file.</param>
    /// <param name="Number">Of a device: major and minor number.</param>
    /// <param name="Allocated">Bytes on the disk.</param>
    public readonly record struct Entry(
        int Type,
        int Mode,
        uint User,
        uint Group,
        long Size,
        Int128 ModifiedNanoseconds,
        uint Links,
        (ulong Device, ulong Inode) Id,
        (uint Major, uint Minor) Number,
        long Allocated);

    /// <summary>Reads the metadata of a path.</summary>
    public static Entry Stat(string path) => Stat(Bytes(path));

    /// <summary>Reads the metadata of a path of any bytes.</summary>
    public static Entry Stat(byte[] path)
    {
        var buffer = new byte[256];
        if (NativeStat(CurrentFolder, path, NoFollow, BasicStats, buffer) != 0) throw Failure("statx", Text(path));
        // struct statx: links 16, uid 20, gid 24, mode 28 (16 bits), inode 32, size 40, blocks 48, mtime 112 (seconds 64 bits, nanoseconds
        // 32 bits), device number 128 and 132, device 136 and 140.
        int mode = BitConverter.ToUInt16(buffer, 28);
        Int128 modified = ((Int128)BitConverter.ToInt64(buffer, 112) * 1_000_000_000) + BitConverter.ToUInt32(buffer, 120);
        return new Entry(
            mode & 0xf000,
            mode & 0xfff,
            BitConverter.ToUInt32(buffer, 20),
            BitConverter.ToUInt32(buffer, 24),
            BitConverter.ToInt64(buffer, 40),
            modified,
            BitConverter.ToUInt32(buffer, 16),
            (((ulong)BitConverter.ToUInt32(buffer, 136) << 32) | BitConverter.ToUInt32(buffer, 140), BitConverter.ToUInt64(buffer, 32)),
            (BitConverter.ToUInt32(buffer, 128), BitConverter.ToUInt32(buffer, 132)),
            (long)BitConverter.ToUInt64(buffer, 48) * 512);
    }

    /// <summary>Sets the time of modification (and access) of a path itself.</summary>
    public static void SetModified(string path, long seconds, long nanoseconds) => SetModified(Bytes(path), seconds, nanoseconds);

    /// <summary>Sets the time of modification (and access) of a path of any bytes.</summary>
    public static void SetModified(byte[] path, long seconds, long nanoseconds)
    {
        if (NativeSetTimes(CurrentFolder, path, [seconds, nanoseconds, seconds, nanoseconds], NoFollow) != 0)
        {
            throw Failure("utimensat", Text(path));
        }
    }

    /// <summary>Makes a second name of a file.</summary>
    public static void Link(string path, string newPath)
    {
        if (NativeLink(path, newPath) != 0) throw Failure("link", newPath);
    }

    /// <summary>Makes a named pipe.</summary>
    public static void MakePipe(string path, int mode)
    {
        if (NativeMakePipe(path, mode) != 0) throw Failure("mkfifo", path);
    }

    private static IOException Failure(string call, string path)
    {
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"{call} {path}: {error.Message}", error);
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int NativeStat(int folder, byte[] path, int flags, uint mask, [Out] byte[] buffer);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int NativeSetTimes(int folder, byte[] path, [In] long[] times, int flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLink(string path, string newPath);

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMakePipe(string path, int mode);
}
