namespace BackupPlatform.Agent.Files;

/// <summary>What an entry of the file system is. Special files are sockets, pipes and devices.</summary>
internal enum FileKind
{
    File,
    Directory,
    SymbolicLink,
    Special,
}

/// <summary>Attributes of an entry.</summary>
/// <param name="Mode">Permission bits with set-id and sticky bits (07777), without the kind.</param>
/// <param name="ModificationNanoseconds">Since 1970 UTC; negative before.</param>
/// <param name="ChangeNanoseconds">Since 1970 UTC.</param>
/// <param name="Device">Major number in the upper 32 bits, minor in the lower.</param>
internal readonly record struct FileStat(
    FileKind Kind,
    uint Mode,
    uint User,
    uint Group,
    long Size,
    long ModificationNanoseconds,
    long ChangeNanoseconds,
    ulong Inode,
    ulong Device)
{
    private const int KindMask = 0xf000;

    internal static FileStat From(in Libc.StatxBuffer buffer) => new(
        (buffer.Mode & KindMask) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Directory,
            0xa000 => FileKind.SymbolicLink,
            _ => FileKind.Special,
        },
        (uint)(buffer.Mode & ~KindMask),
        buffer.User,
        buffer.Group,
        checked((long)buffer.Size),
        Nanoseconds(buffer.ModificationSeconds, buffer.ModificationNanoseconds),
        Nanoseconds(buffer.ChangeSeconds, buffer.ChangeNanoseconds),
        buffer.Inode,
        ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor);

    /// <summary>
    /// Saturates for the years before 1677 and after 2262, which file systems can hold and 64 bits of nanoseconds cannot.
    /// </summary>
    private static long Nanoseconds(long seconds, uint nanoseconds)
    {
        var all = ((Int128)seconds * 1_000_000_000) + nanoseconds;
        return all > long.MaxValue ? long.MaxValue : all < long.MinValue ? long.MinValue : (long)all;
    }
}
