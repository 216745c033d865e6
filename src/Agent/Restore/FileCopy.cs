using BackupPlatform.Agent.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>A copy of a restored file, where a link to it cannot be.</summary>
internal static class FileCopy
{
    /// <summary>Whether that was refused because there can be no such link: another file system, or one without links.</summary>
    public static bool IsNeeded(FileError refusal) => refusal.Number
        is Libc.ErrorOtherDevice or Libc.ErrorTooManyLinks or Libc.ErrorNoPermission or Libc.ErrorNotSupported;

    /// <summary>Copies an open file under a hidden name, holes as holes.</summary>
    /// <returns>The hidden name.</returns>
    public static byte[] Make(SafeFileHandle from, SafeFileHandle directory, byte[] wanted)
    {
        var name = Publishing.TemporaryName(wanted);
        using var to = FileSystem.CreateNew(directory, name);
        try
        {
            Fill(from, to);
        }
        catch
        {
            FileSystem.Remove(directory, name);
            throw;
        }

        return name;
    }

    private static void Fill(SafeFileHandle from, SafeFileHandle to)
    {
        var size = FileSystem.Stat(from).Size;
        RandomAccess.SetLength(to, size);
        var buffer = new byte[256 * 1024];
        for (long position = 0; FileSystem.NextData(from, position, size) is var (start, end);)
        {
            for (position = start; position < end;)
            {
                var count = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - position)), position);
                RandomAccess.Write(to, buffer.AsSpan(0, count), position);
                position += count > 0 ? count : end - position;
            }
        }
    }
}
