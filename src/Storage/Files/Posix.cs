using System.Runtime.InteropServices;

namespace BackupPlatform.Storage.Files;

/// <summary>The calls into libc that durable, never overwriting names need and the BCL does not offer.</summary>
internal static partial class Posix
{
    private const int NoEntry = 2;
    private const int Exists = 17;
    private const int NotDirectory = 20;
    private const int IsDirectory = 21;
    private const int NoSpace = 28;

    // EDQUOT and the flags of open differ between Linux and the BSD family, macOS among it.
    private static readonly int QuotaExceeded = OperatingSystem.IsLinux() ? 122 : 69;

    // O_RDONLY | O_CLOEXEC; a directory needs no more.
    private static readonly int ReadOnlyCloseOnExec = OperatingSystem.IsLinux() ? 0x80000 : 0x1000000;

    internal enum LinkResult
    {
        Linked,
        NameTaken,
        NoFolder,
    }

    /// <summary>Gives a file a second name, atomically and only if that name is free.</summary>
    internal static LinkResult Link(string path, string newPath)
    {
        if (NativeLink(path, newPath) == 0) return LinkResult.Linked;
        return Marshal.GetLastPInvokeError() switch
        {
            Exists or NotDirectory => LinkResult.NameTaken,
            NoEntry => LinkResult.NoFolder,
            int error => throw Failure("link", newPath, error),
        };
    }

    /// <summary>Removes a name; <see langword="false"/> when no file has it.</summary>
    internal static bool Unlink(string path)
    {
        if (NativeUnlink(path) == 0) return true;
        int error = Marshal.GetLastPInvokeError();
        // macOS says EPERM for a directory, and is then refused like any other failure.
        return error is NoEntry or NotDirectory or IsDirectory ? false : throw Failure("unlink", path, error);
    }

    /// <summary>Makes the names in a directory durable.</summary>
    internal static void FlushDirectory(string path)
    {
        int descriptor = NativeOpen(path, ReadOnlyCloseOnExec);
        if (descriptor < 0) throw Failure("open", path, Marshal.GetLastPInvokeError());
        int result = NativeFlush(descriptor);
        int error = Marshal.GetLastPInvokeError();
        _ = NativeClose(descriptor);
        if (result != 0) throw Failure("fsync", path, error);
    }

    /// <summary>What a failure of the file system means to the callers of a store.</summary>
    internal static BlobStoreException Translate(Exception failure, string folder)
    {
        bool full = failure.HResult == NoSpace || failure.HResult == QuotaExceeded;
        return full
            ? new StoreFullException($"The store {folder} has no room left: {failure.Message}", failure)
            : new StoreUnavailableException($"The store {folder} cannot be used now: {failure.Message}", failure);
    }

    /// <summary>Whether <see cref="Translate"/> is for this exception.</summary>
    internal static bool IsFileSystemFailure(Exception exception) => exception is IOException or UnauthorizedAccessException;

    private static IOException Failure(string call, string path, int error) =>
        new($"{call} {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLink(string path, string newPath);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeUnlink(string path);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFlush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);
}
