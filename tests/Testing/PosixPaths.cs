using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Testing;

/// <summary>Paths of any bytes, ended by a zero byte: Linux names need not be text.</summary>
public static partial class Posix
{
    /// <summary>A path as the calls here take it.</summary>
    public static byte[] Bytes(string path) => [.. Encoding.UTF8.GetBytes(path), 0];

    /// <summary>The path of a name in a folder.</summary>
    public static byte[] Join(byte[] folder, ReadOnlySpan<byte> name) => [.. folder.AsSpan(0, folder.Length - 1), (byte)'/', .. name, 0];

    /// <summary>For messages: what is no UTF-8, and every control character, as \xHH.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (bytes = bytes.EndsWith((byte)0) ? bytes[..^1] : bytes; !bytes.IsEmpty;)
        {
            var good = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == System.Buffers.OperationStatus.Done && !Rune.IsControl(rune);
            text.Append(good ? rune.ToString() : $"\\x{bytes[0]:x2}");
            bytes = bytes[(good ? length : 1)..];
        }
        return text.ToString();
    }

    /// <summary>The names in a folder, sorted by their bytes.</summary>
    public static unsafe List<byte[]> Names(byte[] folder)
    {
        nint stream = NativeOpenFolder(folder);
        if (stream == 0) throw Failure("opendir", Text(folder));
        var names = new List<byte[]>();
        // struct dirent of 64-bit Linux: the name is at 19.
        for (byte* entry = NativeReadFolder(stream); entry != null; entry = NativeReadFolder(stream))
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) names.Add(name.ToArray());
        }
        _ = NativeCloseFolder(stream);
        names.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    /// <summary>Opens a file for reading.</summary>
    public static SafeFileHandle OpenFile(byte[] path) => Open(path, 0);

    /// <summary>Makes a file, for its owner alone, and opens it for writing.</summary>
    public static SafeFileHandle CreateFile(byte[] path) => Open(path, 0x2 | 0x40 | 0x80);

    /// <summary>The target of a symbolic link.</summary>
    public static byte[] ReadLink(byte[] path)
    {
        var target = new byte[4097];
        nint length = NativeReadLink(path, target, target.Length);
        return length < 0 ? throw Failure("readlink", Text(path)) : target[..(int)length];
    }

    /// <summary>Makes a folder.</summary>
    public static void MakeFolder(byte[] path) => Check(NativeMakeFolder(path, 0x1ed), "mkdir", path);

    /// <summary>Makes a symbolic link.</summary>
    public static void MakeLink(string target, byte[] path) => Check(NativeMakeLink(Bytes(target), path), "symlink", path);

    /// <summary>Makes a second name of a file, of a symbolic link itself.</summary>
    public static void Link(byte[] path, byte[] newPath) =>
        Check(NativeLinkAt(CurrentFolder, path, CurrentFolder, newPath, 0), "link", newPath);

    /// <summary>Makes a pipe (0x1000), a character device (0x2000) or a block device (0x6000).</summary>
    public static void MakeNode(byte[] path, uint type, ulong major = 0, ulong minor = 0) => Check(
        NativeMakeNode(path, type | 0x1a4, ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff)), "mknod", path);

    /// <summary>Sets the owner of a path itself; it loses set-id bits and capabilities.</summary>
    public static void SetOwner(byte[] path, uint user, uint group) => Check(NativeSetOwner(path, user, group), "lchown", path);

    /// <summary>Sets permission bits; a symbolic link is followed.</summary>
    public static void SetMode(byte[] path, uint mode) => Check(NativeSetMode(path, mode), "chmod", path);

    /// <summary>Sets an extended attribute of a path itself.</summary>
    public static void SetAttribute(byte[] path, string name, byte[] value) =>
        Check(NativeSetAttribute(path, Bytes(name), value, value.Length, 0), $"setxattr {name}", path);

    /// <summary>The extended attributes of a path itself, by name: their values in hexadecimal.</summary>
    public static SortedDictionary<string, string> Attributes(byte[] path)
    {
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var buffer = new byte[1 << 16];
        nint length = NativeListAttributes(path, buffer, buffer.Length);
        if (length < 0) return attributes;
        foreach (string name in Encoding.UTF8.GetString(buffer, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            nint size = NativeGetAttribute(path, Bytes(name), buffer, buffer.Length);
            if (size < 0) throw Failure($"getxattr {name}", Text(path));
            attributes.Add(name, Convert.ToHexString(buffer, 0, (int)size));
        }
        return attributes;
    }

    /// <summary>The parts of a file that are no holes: where each begins and ends.</summary>
    public static List<(long Start, long End)> DataParts(SafeFileHandle file)
    {
        var parts = new List<(long Start, long End)>();
        for (long position = 0; NativeSeek(file, position, 3) is >= 0 and var start; position = parts[^1].End)
        {
            parts.Add((start, NativeSeek(file, start, 4)));
        }
        return parts;
    }

    private static SafeFileHandle Open(byte[] path, int flags)
    {
        int file = NativeOpen(path, flags | 0x80000, 0x180);
        return file < 0 ? throw Failure("open", Text(path)) : new SafeFileHandle(file, ownsHandle: true);
    }

    private static void Check(int result, string call, byte[] path)
    {
        if (result != 0) throw Failure(call, Text(path));
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int NativeOpen(byte[] path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true)]
    private static partial nint NativeOpenFolder(byte[] path);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static unsafe partial byte* NativeReadFolder(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir", SetLastError = true)]
    private static partial int NativeCloseFolder(nint stream);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true)]
    private static partial nint NativeReadLink(byte[] path, [Out] byte[] target, nint length);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true)]
    private static partial int NativeMakeFolder(byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true)]
    private static partial int NativeMakeLink(byte[] target, byte[] path);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    private static partial int NativeLinkAt(int folder, byte[] path, int newFolder, byte[] newPath, int flags);

    [LibraryImport("libc", EntryPoint = "mknod", SetLastError = true)]
    private static partial int NativeMakeNode(byte[] path, uint mode, ulong number);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true)]
    private static partial int NativeSetOwner(byte[] path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    private static partial int NativeSetMode(byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    private static partial int NativeSetAttribute(byte[] path, byte[] name, byte[] value, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint NativeListAttributes(byte[] path, [Out] byte[] names, nint length);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint NativeGetAttribute(byte[] path, byte[] name, [Out] byte[] value, nint length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long NativeSeek(SafeFileHandle file, long offset, int whence);
}
