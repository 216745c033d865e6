using System.Collections.Immutable;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>What a catalog entry is.</summary>
public enum CatalogEntryKind
{
    File = 1,
    Directory = 2,
    SymbolicLink = 3,
    Fifo = 4,
    CharacterDevice = 5,
    BlockDevice = 6,
}

/// <summary>
/// A part of a file's content: bytes inside a data chunk, which may hold parts of other files too; or a hole, which reads
/// as zeros and stands nowhere.
/// </summary>
/// <param name="Chunk">The data chunk; all zeros for a hole.</param>
/// <param name="Offset">Where the part begins in the chunk's plaintext, in bytes; 0 for a hole.</param>
/// <param name="Length">Bytes of the chunk, at least 1; offset and length together stay within the greatest chunk. 0 for a hole.</param>
public readonly record struct Extent(ChunkId Chunk, int Offset, int Length)
{
    /// <summary>Bytes of a hole, at least 1; 0 for all else.</summary>
    public long Hole { get; private init; }

    public bool IsHole => Hole != 0;

    /// <summary>Bytes of the file that this is.</summary>
    public long FileLength => IsHole ? Hole : Length;

    /// <summary>A hole of so many bytes, at least 1.</summary>
    public static Extent OfHole(long bytes) => new Extent(default, 0, 0) { Hole = bytes };
}

/// <summary>Which of a file's names an entry is, where it has several.</summary>
/// <param name="Links">Names that the file had, also outside of the recovery point; at least 1.</param>
/// <param name="First">
/// The first name of the file in the catalog. Entries with the same are one file; each of them tells all of it, content
/// included, so that any of them can be restored without the others.
/// </param>
public sealed record HardLink(long Links, CatalogPath First);

/// <summary>A time that nanoseconds in 64 bits cannot hold.</summary>
/// <param name="Seconds">Since 1970-01-01 UTC; negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999, after those seconds.</param>
public sealed record FarTime(long Seconds, int Nanoseconds);

/// <summary>An extended attribute; an access control list is one, too.</summary>
/// <param name="Name">As the system gives it, with its namespace; 1 to 255 bytes.</param>
/// <param name="Value">At most 65,536 bytes.</param>
public sealed record AttributeValue(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value);

/// <summary>
/// One file, directory, symbolic link, pipe or device of a recovery point. Two entries are equal when all their values are, contents of
/// lists included.
/// </summary>
public sealed record CatalogEntry
{
    /// <summary>Extents that an entry carries itself; a longer file's others follow in continuation records.</summary>
    public const int MaxInlineExtents = 64;

    /// <summary>Bytes of a link's target at most.</summary>
    public const int MaxLinkTarget = 16 * 1024;

    /// <summary>Bytes of encoded extended attributes that an entry carries itself; more are in data chunks.</summary>
    public const int MaxInlineAttributes = 1024;

    /// <summary>Data chunks that hold an entry's extended attributes at most.</summary>
    public const int MaxAttributeExtents = 64;

    public required CatalogPath Path { get; init; }

    public required CatalogEntryKind Kind { get; init; }

    /// <summary>Unix permission bits, as in <c>st_mode</c> without the file type; 0 where the system has none.</summary>
    public uint Mode { get; init; }

    public uint UserId { get; init; }

    public uint GroupId { get; init; }

    /// <summary>Last change of the content, in nanoseconds since 1970-01-01 UTC.</summary>
    public long ModifiedNanoseconds { get; init; }

    /// <summary>Last change of content or metadata, in nanoseconds since 1970-01-01 UTC; for change detection.</summary>
    public long ChangedNanoseconds { get; init; }

    /// <summary>For change detection.</summary>
    public ulong Inode { get; init; }

    /// <summary>For change detection.</summary>
    public ulong Device { get; init; }

    /// <summary>A file's length in bytes; 0 for all else. Its extents add up to it, unless it is <see cref="Incomplete"/>.</summary>
    public long Size { get; init; }

    /// <summary>Where a symbolic link points, as the system gave it; empty for all else.</summary>
    public ReadOnlyMemory<byte> LinkTarget { get; init; }

    /// <summary>
    /// A file's content, in order. What a reader gives has the first <see cref="MaxInlineExtents"/>; where
    /// <see cref="ExtentsContinue"/>, <see cref="CatalogReader.ReadExtentsAsync"/> gives all of them.
    /// </summary>
    public ImmutableArray<Extent> Extents { get; init; } = [];

    /// <summary>The content could not be read, or not as it was at one moment: it is not to be trusted, nor taken as unchanged.</summary>
    public bool Incomplete { get; init; }

    /// <summary>Whether holes may be among the extents.</summary>
    public bool HasHoles { get; init; }

    /// <summary>What a device is: its major number in the upper 32 bits, its minor number in the lower; 0 for all else.</summary>
    public ulong DeviceNumber { get; init; }

    /// <summary>Set where the file has, or had, several names.</summary>
    public HardLink? HardLink { get; init; }

    /// <summary>The last change of the content where <see cref="ModifiedNanoseconds"/> cannot hold it, and is the nearest it can.</summary>
    public FarTime? ModifiedFar { get; init; }

    /// <summary>
    /// Extended attributes as <see cref="ExtendedAttributes"/> encodes them, up to <see cref="MaxInlineAttributes"/> bytes;
    /// empty where there are none, or <see cref="AttributeExtents"/> says where they are.
    /// </summary>
    public ReadOnlyMemory<byte> Attributes { get; init; }

    /// <summary>Where the encoded extended attributes are, if they are many; no holes.</summary>
    public ImmutableArray<Extent> AttributeExtents { get; init; } = [];

    /// <summary>Whether more extents follow in continuation records; set by the writer alone.</summary>
    public bool ExtentsContinue { get; internal init; }

    public bool Equals(CatalogEntry? other) =>
        other is not null
        && Path == other.Path && Kind == other.Kind && Mode == other.Mode && UserId == other.UserId && GroupId == other.GroupId
        && ModifiedNanoseconds == other.ModifiedNanoseconds && ChangedNanoseconds == other.ChangedNanoseconds
        && Inode == other.Inode && Device == other.Device && Size == other.Size
        && Incomplete == other.Incomplete && ExtentsContinue == other.ExtentsContinue
        && HasHoles == other.HasHoles && DeviceNumber == other.DeviceNumber && HardLink == other.HardLink && ModifiedFar == other.ModifiedFar
        && Attributes.Span.SequenceEqual(other.Attributes.Span) && AttributeExtents.AsSpan().SequenceEqual(other.AttributeExtents.AsSpan())
        && LinkTarget.Span.SequenceEqual(other.LinkTarget.Span) && Extents.AsSpan().SequenceEqual(other.Extents.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Path, Kind, ModifiedNanoseconds, Inode, Size);
}

/// <summary>Where a catalog begins.</summary>
/// <param name="PageId">The topmost page, a catalog chunk.</param>
/// <param name="Height">Levels of index pages above the leaves: 0 where the topmost page is a leaf.</param>
/// <param name="Entries">Entries in the whole catalog.</param>
public sealed record CatalogRoot(ChunkId PageId, int Height, long Entries);
