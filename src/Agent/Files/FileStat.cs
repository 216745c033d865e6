using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Files;

/// <summary>What an entry of the file system is.</summary>
internal enum FileKind
{
    File,
    Directory,
    SymbolicLink,
    Fifo,
    CharacterDevice,
    BlockDevice,
    Socket,
}

/// <summary>Attributes of an entry.</summary>
/// <param name="Mode">Permission bits with set-id and sticky bits (07777), without the kind.</param>
/// <param name="ModificationNanoseconds">Since 1970 UTC; negative before.</param>
/// <param name="ChangeNanoseconds">Since 1970 UTC.</param>
/// <param name="Device">That it lies on: major number in the upper 32 bits, minor in the lower.</param>
/// <param name="DeviceNumber">That it is, in the same form; 0 where it is no device.</param>
/// <param name="Links">Names that it has.</param>
/// <param name="Allocated">Bytes that it takes on the disk; less than the size where there are holes.</param>
/// <param name="FarModification">The modification time where 64 bits of nanoseconds cannot hold it; else null.</param>
internal readonly record struct FileStat(
    FileKind Kind,
    uint Mode,
    uint User,
    uint Group,
    long Size,
    long ModificationNanoseconds,
    long ChangeNanoseconds,
    ulong Inode,
    ulong Device,
    ulong DeviceNumber = 0,
    uint Links = 1,
    long Allocated = 0,
    FarTime? FarModification = null)
{
    private const int KindMask = 0xf000;

    internal static FileStat From(in Libc.StatxBuffer buffer) => new(
        (buffer.Mode & KindMask) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Directory,
            0xa000 => FileKind.SymbolicLink,
            0x1000 => FileKind.Fifo,
            0x2000 => FileKind.CharacterDevice,
            0x6000 => FileKind.BlockDevice,
            _ => FileKind.Socket,
        },
        (uint)(buffer.Mode & ~KindMask),
        buffer.User,
        buffer.Group,
        checked((long)buffer.Size),
        Nanoseconds(buffer.ModificationSeconds, buffer.ModificationNanoseconds),
        Nanoseconds(buffer.ChangeSeconds, buffer.ChangeNanoseconds),
        buffer.Inode,
        ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor,
        ((ulong)buffer.NumberMajor << 32) | buffer.NumberMinor,
        buffer.Links,
        checked((long)buffer.Blocks * 512),
        Far(buffer.ModificationSeconds, buffer.ModificationNanoseconds));

    /// <summary>
    /// Saturates for the years before 1677 and after 2262, which file systems can hold and 64 bits of nanoseconds cannot.
    /// </summary>
    private static long Nanoseconds(long seconds, uint nanoseconds)
    {
        var all = All(seconds, nanoseconds);
        return all > long.MaxValue ? long.MaxValue : all < long.MinValue ? long.MinValue : (long)all;
    }

    private static FarTime? Far(long seconds, uint nanoseconds) =>
        All(seconds, nanoseconds) is var all && all >= long.MinValue && all <= long.MaxValue ? null : new FarTime(seconds, (int)nanoseconds);

    private static Int128 All(long seconds, uint nanoseconds) => ((Int128)seconds * 1_000_000_000) + nanoseconds;
}
