using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>Hard links, pipes, devices and holes.</summary>
internal static unsafe partial class FileSystem
{
    /// <summary>Gives a file one more name, which must be free; a symbolic link is not followed.</summary>
    public static void Link(SafeFileHandle fromDirectory, ReadOnlySpan<byte> from, SafeFileHandle toDirectory, ReadOnlySpan<byte> to)
    {
        using var source = new NativePath(from);
        using var target = new NativePath(to);
        using var fromAt = new Borrowed(fromDirectory);
        using var toAt = new Borrowed(toDirectory);
        Check(Libc.LinkAt(fromAt.Number, source.Pointer, toAt.Number, target.Pointer, 0), "create hard link");
    }

    /// <summary>Makes a pipe or a device, for its owner alone; the name must be free.</summary>
    /// <param name="number">Of a device: major number in the upper 32 bits, minor in the lower.</param>
    public static void MakeSpecial(SafeFileHandle directory, ReadOnlySpan<byte> name, FileKind kind, ulong number)
    {
        var type = kind switch
        {
            FileKind.Fifo => 0x1000u,
            FileKind.CharacterDevice => 0x2000u,
            FileKind.BlockDevice => 0x6000u,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only pipes and devices are made."),
        };
        var (major, minor) = (number >> 32, number & uint.MaxValue);
        // As glibc and the kernel pack it for 64-bit systems.
        var device = ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff);
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.MakeNodeAt(at.Number, path.Pointer, type | 0x180, device), kind == FileKind.Fifo ? "create pipe" : "create device");
    }

    /// <summary>Sets the mode of a pipe or device, which is not opened; a symbolic link is not followed.</summary>
    public static void SetMode(SafeFileHandle directory, ReadOnlySpan<byte> name, uint mode)
    {
        using var path = new NativePath(name);
        using var at = new Borrowed(directory);
        Check(Libc.ChangeModeAt(at.Number, path.Pointer, mode, Libc.AtNoFollow), "set mode");
    }

    /// <summary>
    /// The next part of an open file that holds data, from a place on; null where only a hole follows. A file system that
    /// knows no holes gives all of the file.
    /// </summary>
    public static (long Start, long End)? NextData(SafeFileHandle file, long from, long size)
    {
        using var open = new Borrowed(file);
        var start = Libc.Seek(open.Number, from, Libc.SeekData);
        if (start < 0)
        {
            return Marshal.GetLastPInvokeError() switch
            {
                Libc.ErrorNoSuchAddress => null,
                Libc.ErrorInvalid or Libc.ErrorNotSupported => (from, size),
                var number => throw new FileError(number, "find data"),
            };
        }

        var end = Libc.Seek(open.Number, start, Libc.SeekHole);
        return start >= size ? null : (start, end < 0 ? size : Math.Min(end, size));
    }

    /// <summary>Lets go of what the system remembers of an open file's content, so that it is read from the disk.</summary>
    public static void Forget(SafeFileHandle file)
    {
        using var open = new Borrowed(file);
        _ = Libc.Advise(open.Number, 0, 0, Libc.AdviceDontNeed);
    }
}
