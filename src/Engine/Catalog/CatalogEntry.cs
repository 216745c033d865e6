using System.Collections.Immutable;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>What a catalog entry is.</summary>
public enum CatalogEntryKind
{
    File = 1,
    Directory = 2,
    SymbolicLink = 3,
}

/// <summary>A part of a file's content: bytes inside a data chunk, which may hold parts of other files too.</summary>
/// <param name="Chunk">The data chunk.</param>
/// <param name="Offset">Where the part begins in the chunk's plaintext, in bytes.</param>
/// <param name="Length">Bytes, at least 1; offset and length together stay within the greatest chunk.</param>
public readonly record struct Extent(ChunkId Chunk, int Offset, int Length);

/// <summary>
/// One file, directory or symbolic link of a recovery point. Two entries are equal when all their values are, contents of
/// lists included.
/// </summary>
public sealed record CatalogEntry
{
    /// <summary>Extents that an entry carries itself; a longer file's others follow in continuation records.</summary>
    public const int MaxInlineExtents = 64;

    /// <summary>Bytes of a link's target at most.</summary>
    public const int MaxLinkTarget = 16 * 1024;

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

    /// <summary>Whether more extents follow in continuation records; set by the writer alone.</summary>
    public bool ExtentsContinue { get; internal init; }

    public bool Equals(CatalogEntry? other) =>
        other is not null
        && Path == other.Path && Kind == other.Kind && Mode == other.Mode && UserId == other.UserId && GroupId == other.GroupId
        && ModifiedNanoseconds == other.ModifiedNanoseconds && ChangedNanoseconds == other.ChangedNanoseconds
        && Inode == other.Inode && Device == other.Device && Size == other.Size
        && Incomplete == other.Incomplete && ExtentsContinue == other.ExtentsContinue
        && LinkTarget.Span.SequenceEqual(other.LinkTarget.Span) && Extents.AsSpan().SequenceEqual(other.Extents.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Path, Kind, ModifiedNanoseconds, Inode, Size);
}

/// <summary>Where a catalog begins.</summary>
/// <param name="PageId">The topmost page, a catalog chunk.</param>
/// <param name="Height">Levels of index pages above the leaves: 0 where the topmost page is a leaf.</param>
/// <param name="Entries">Entries in the whole catalog.</param>
public sealed record CatalogRoot(ChunkId PageId, int Height, long Entries);
