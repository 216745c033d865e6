using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Home;

/// <summary>A lock on a file, for what takes an instant. The system drops it with the process.</summary>
internal static partial class FileLock
{
    private const int Exclusive = 2;
    private const int Interrupted = 4;

    /// <summary>Waits until nobody else has it; disposing lets it go.</summary>
    public static IDisposable Wait(string path)
    {
        var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        while (Lock(handle, Exclusive) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
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
