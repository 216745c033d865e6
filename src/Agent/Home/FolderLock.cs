using System.Runtime.InteropServices;
using System.Text;
using BackupPlatform.Agent.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Home;

/// <summary>A lock on a folder, for what takes an instant. The system drops it with the process.</summary>
internal static partial class FolderLock
{
    private const int Exclusive = 2;

    /// <summary>Waits until nobody else has it; disposing lets it go.</summary>
    public static IDisposable Wait(string path)
    {
        var handle = FileSystem.OpenDirectoryFollowing(Encoding.UTF8.GetBytes(path));
        while (Lock(handle, Exclusive) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Libc.ErrorInterrupted)
            {
                handle.Dispose();
                throw new IOException($"{path} cannot be locked: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }

        return handle;
    }

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(SafeFileHandle file, int operation);
}
