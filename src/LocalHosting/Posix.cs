using System.Runtime.InteropServices;

namespace BackupPlatform.LocalHosting;

/// <summary>The few system calls that .NET has no method for.</summary>
internal static partial class Posix
{
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;

    public static bool IsRoot => EffectiveUserId() == 0;

    public static uint UserId => EffectiveUserId();

    /// <summary>Signals one process; one that is gone already is not an error.</summary>
    public static void Signal(int processId, int signal) => _ = SendSignal(processId, signal);

    /// <summary>Signals every process of a group; a group that is gone already is not an error.</summary>
    public static void SignalGroup(int processId, int signal) => _ = SendSignal(-processId, signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUserId();
}
