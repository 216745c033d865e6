using System.Runtime.InteropServices;
using System.Text;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Files;

/// <summary>
/// Extended attributes, access control lists among them. The calls for them take paths alone: the way through the open
/// directory under /proc cannot be exchanged on the way, and opens nothing, not even a pipe or a device.
/// </summary>
internal static unsafe class FileExtendedAttributes
{
    private const int MostNames = 64 * 1024;

    /// <summary>All attributes of an entry, of a symbolic link itself; none where the file system has none.</summary>
    public static List<AttributeValue> Read(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        var names = Names(directory, name);
        var attributes = new List<AttributeValue>(names.Count);
        foreach (var attribute in names)
        {
            if (Get(directory, name, attribute) is { } value)
            {
                attributes.Add(new AttributeValue(attribute, value));
            }
        }

        return attributes;
    }

    /// <summary>The attributes' names, with their namespaces.</summary>
    public static List<byte[]> Names(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        using var path = new Place(directory, name);
        Span<byte> small = stackalloc byte[1024];
        var list = small;
        nint length;
        fixed (byte* names = list)
        {
            length = Libc.ListAttributes(path.Pointer, names, list.Length);
        }

        if (length < 0 && Marshal.GetLastPInvokeError() == Libc.ErrorRange)
        {
            list = new byte[MostNames];
            fixed (byte* names = list)
            {
                length = Libc.ListAttributes(path.Pointer, names, list.Length);
            }
        }

        if (length < 0)
        {
            var number = Marshal.GetLastPInvokeError();
            return number == Libc.ErrorNotSupported ? [] : throw new FileError(number, "list extended attributes");
        }

        return Split(list[..(int)length]);
    }

    public static void Set(SafeFileHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        using var path = new Place(directory, name);
        using var key = new NativePath(attribute);
        fixed (byte* bytes = value)
        {
            Check(Libc.SetAttribute(path.Pointer, key.Pointer, bytes, value.Length, 0), "set extended attribute");
        }
    }

    public static void Remove(SafeFileHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute)
    {
        using var path = new Place(directory, name);
        using var key = new NativePath(attribute);
        Check(Libc.RemoveAttribute(path.Pointer, key.Pointer), "remove extended attribute");
    }

    /// <summary>Null where it went away meanwhile.</summary>
    private static byte[]? Get(SafeFileHandle directory, ReadOnlySpan<byte> name, byte[] attribute)
    {
        using var path = new Place(directory, name);
        using var key = new NativePath(attribute);
        var buffer = new byte[256];
        while (true)
        {
            nint length;
            fixed (byte* value = buffer)
            {
                length = Libc.GetAttribute(path.Pointer, key.Pointer, value, buffer.Length);
            }

            if (length >= 0)
            {
                return buffer[..(int)length];
            }

            var number = Marshal.GetLastPInvokeError();
            if (number == Libc.ErrorNoData)
            {
                return null;
            }

            if (number != Libc.ErrorRange || buffer.Length >= ExtendedAttributes.MaxValue)
            {
                throw new FileError(number, $"read extended attribute {Encoding.UTF8.GetString(attribute)}");
            }

            buffer = new byte[ExtendedAttributes.MaxValue];
        }
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> list)
    {
        var names = new List<byte[]>();
        foreach (var range in list.Split((byte)0))
        {
            if (!list[range].IsEmpty)
            {
                names.Add(list[range].ToArray());
            }
        }

        return names;
    }

    private static void Check(int result, string operation)
    {
        if (result != 0)
        {
            throw new FileError(Marshal.GetLastPInvokeError(), operation);
        }
    }

    /// <summary>The path to a name in an open directory, which stays open meanwhile.</summary>
    private readonly ref struct Place
    {
        private readonly SafeFileHandle _directory;
        private readonly NativePath _path;

        public Place(SafeFileHandle directory, ReadOnlySpan<byte> name)
        {
            var added = false;
            directory.DangerousAddRef(ref added);
            _directory = directory;
            var number = Encoding.ASCII.GetBytes(directory.DangerousGetHandle().ToString(System.Globalization.CultureInfo.InvariantCulture));
            byte[] path = [.. "/proc/self/fd/"u8, .. number, (byte)'/', .. name];
            _path = new NativePath(path);
        }

        public byte* Pointer => _path.Pointer;

        public void Dispose()
        {
            _path.Dispose();
            _directory.DangerousRelease();
        }
    }
}
