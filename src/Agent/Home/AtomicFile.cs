using System.Text;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Home;

/// <summary>Files that are, after a crash between any two instructions, either as before or as written: never half.</summary>
internal static class AtomicFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a file for its owner alone, in place of the one that may be there.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content) => Put(path, content, replace: true);

    /// <summary>Writes a file for its owner alone where there is none.</summary>
    /// <returns>False where there is one already; it stays as it is.</returns>
    public static bool Create(string path, ReadOnlySpan<byte> content) => Put(path, content, replace: false);

    /// <summary>Removes a file for good; none there is well, too.</summary>
    public static void Delete(string path)
    {
        File.Delete(path);
        using var directory = OpenParent(path);
        FileSystem.Sync(directory);
    }

    private static bool Put(string path, ReadOnlySpan<byte> content, bool replace)
    {
        var name = Path.GetFileName(path);
        // The process id keeps two agents apart; a leftover of a crash is overwritten by the next that has the number.
        var temporary = $".{name}.{Environment.ProcessId}.new";
        var temporaryPath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, temporary);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = OwnerOnly, BufferSize = 0,
        };
        using (var file = new FileStream(temporaryPath, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        using var directory = OpenParent(path);
        if (!FileSystem.Rename(directory, Encoding.UTF8.GetBytes(temporary), Encoding.UTF8.GetBytes(name), replace))
        {
            File.Delete(temporaryPath);
            return false;
        }

        FileSystem.Sync(directory);
        return true;
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle OpenParent(string path) =>
        FileSystem.OpenDirectoryFollowing(Encoding.UTF8.GetBytes(Path.GetDirectoryName(Path.GetFullPath(path))!));
}
