using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Backup;

/// <summary>Catalog entries of what the walk meets, and what they tell beside those of the point before.</summary>
internal static class EntryDescription
{
    /// <summary>All but content and extended attributes.</summary>
    public static CatalogEntry Of(CatalogPath path, FileStat stat) => new()
    {
        Path = path,
        Kind = KindOf(stat.Kind),
        Mode = stat.Mode,
        UserId = stat.User,
        GroupId = stat.Group,
        ModifiedNanoseconds = stat.ModificationNanoseconds,
        ModifiedFar = stat.FarModification,
        ChangedNanoseconds = stat.ChangeNanoseconds,
        Inode = stat.Inode,
        DeviceNumber = stat.Kind is FileKind.BlockDevice or FileKind.CharacterDevice ? stat.DeviceNumber : 0,
        HardLink = stat.Links > 1 && stat.Kind != FileKind.Directory ? new HardLink(stat.Links, path) : null,
        // Not the device it lies on: its number may be another after a restart, and the whole catalog would be new.
    };

    public static CatalogEntryKind KindOf(FileKind kind) => kind switch
    {
        FileKind.File => CatalogEntryKind.File,
        FileKind.Directory => CatalogEntryKind.Directory,
        FileKind.SymbolicLink => CatalogEntryKind.SymbolicLink,
        FileKind.Fifo => CatalogEntryKind.Fifo,
        FileKind.CharacterDevice => CatalogEntryKind.CharacterDevice,
        FileKind.BlockDevice => CatalogEntryKind.BlockDevice,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Sockets are in no catalog."),
    };

    /// <summary>
    /// Whether a file's content is what it was. Every write changes a file's change time, which nobody can set; so does every change
    /// of mode, owner, names or attributes, and then the content is read again: what has changed besides cannot be told otherwise.
    /// </summary>
    public static bool HasSameContent(CatalogEntry old, CatalogEntry present, long size) =>
        old is { Kind: CatalogEntryKind.File, Incomplete: false }
        && (old.Size, old.ModifiedNanoseconds, old.ModifiedFar, old.ChangedNanoseconds, old.Inode)
        == (size, present.ModifiedNanoseconds, present.ModifiedFar, present.ChangedNanoseconds, present.Inode);
}
