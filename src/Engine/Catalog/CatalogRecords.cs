using System.Collections.Immutable;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>Where a record stands: an entry has ordinal 0, the continuation records of its file 1 and upwards.</summary>
internal readonly record struct CatalogKey(ReadOnlyMemory<byte> Path, int Ordinal) : IComparable<CatalogKey>
{
    public int CompareTo(CatalogKey other)
    {
        var order = CatalogPath.Compare(Path.Span, other.Path.Span);
        return order != 0 ? order : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>A record of a leaf page: an entry, or more extents of the file before it.</summary>
internal sealed record LeafRecord(CatalogKey Key, CatalogEntry? Entry, ImmutableArray<Extent> Extents);

/// <summary>A record of an index page: the key that a page of the level below begins with.</summary>
internal readonly record struct IndexRecord(CatalogKey Key, ChunkId Page, long Entries);

/// <summary>The bytes of a record after its key.</summary>
internal static class CatalogRecords
{
    /// <summary>Extents of a continuation record at most.</summary>
    public const int MaxContinuedExtents = 256;

    private const byte IncompleteFlag = 1;
    private const byte ContinueFlag = 2;
    private const byte HolesFlag = 4;

    public static void WriteEntry(ByteWriter writer, CatalogEntry entry, ReadOnlySpan<Extent> extents, bool continues)
    {
        writer.Byte((byte)entry.Kind);
        writer.Byte((byte)(
            (entry.Incomplete ? IncompleteFlag : 0) | (continues ? ContinueFlag : 0) | (entry.HasHoles ? HolesFlag : 0)));
        writer.VarInt(entry.Mode);
        writer.VarInt(entry.UserId);
        writer.VarInt(entry.GroupId);
        writer.ZigZag(entry.ModifiedNanoseconds);
        writer.ZigZag(entry.ChangedNanoseconds);
        writer.VarInt(entry.Inode);
        writer.VarInt(entry.Device);
        if (entry.Kind == CatalogEntryKind.File)
        {
            writer.VarInt((ulong)entry.Size);
            WriteExtents(writer, extents);
        }
        else if (entry.Kind == CatalogEntryKind.SymbolicLink)
        {
            writer.Block(entry.LinkTarget.Span);
        }
        else if (IsDevice(entry.Kind))
        {
            writer.VarInt(entry.DeviceNumber);
        }
        EntryTags.Write(writer, entry);
    }

    public static CatalogEntry ReadEntry(ref ByteReader reader, CatalogPath path)
    {
        var kind = (CatalogEntryKind)reader.Byte();
        if (!IsKnown(kind))
        {
            throw new UnsupportedFormatException($"The catalog has an entry of kind {(int)kind}, which this agent does not know; a newer one does.");
        }
        var flags = reader.Byte();
        if ((flags & ~(IncompleteFlag | ContinueFlag | HolesFlag)) != 0)
        {
            throw new UnsupportedFormatException("The catalog has an entry with a flag that this agent does not know; a newer one does.");
        }
        var continues = (flags & ContinueFlag) != 0;
        var entry = new CatalogEntry
        {
            Path = path,
            Kind = kind,
            Incomplete = (flags & IncompleteFlag) != 0,
            ExtentsContinue = continues,
            HasHoles = (flags & HolesFlag) != 0,
            Mode = (uint)reader.VarInt(uint.MaxValue),
            UserId = (uint)reader.VarInt(uint.MaxValue),
            GroupId = (uint)reader.VarInt(uint.MaxValue),
            ModifiedNanoseconds = reader.ZigZag(),
            ChangedNanoseconds = reader.ZigZag(),
            Inode = reader.VarInt(),
            Device = reader.VarInt(),
            Size = kind == CatalogEntryKind.File ? (long)reader.VarInt(long.MaxValue) : 0,
            Extents = kind == CatalogEntryKind.File ? ReadExtents(ref reader, CatalogEntry.MaxInlineExtents) : [],
            LinkTarget = kind == CatalogEntryKind.SymbolicLink ? reader.Block(CatalogEntry.MaxLinkTarget).ToArray() : default,
            DeviceNumber = IsDevice(kind) ? reader.VarInt() : 0,
        };
        if (continues && entry.Extents.Length != CatalogEntry.MaxInlineExtents)
        {
            throw reader.Damaged("has an entry whose extents continue too early");
        }
        if (!entry.HasHoles && HasHole(entry.Extents.AsSpan())) throw reader.Damaged("has a hole in a file without holes");
        if (!continues && !entry.Incomplete && Sum(entry.Extents.AsSpan()) != entry.Size)
        {
            throw reader.Damaged("has a file whose extents do not add up to its size");
        }
        return EntryTags.Read(ref reader, entry);
    }

    public static bool IsKnown(CatalogEntryKind kind) => kind is >= CatalogEntryKind.File and <= CatalogEntryKind.BlockDevice;

    public static bool IsDevice(CatalogEntryKind kind) => kind is CatalogEntryKind.CharacterDevice or CatalogEntryKind.BlockDevice;

    public static bool HasHole(ReadOnlySpan<Extent> extents)
    {
        foreach (var extent in extents)
        {
            if (extent.IsHole) return true;
        }
        return false;
    }

    public static void WriteExtents(ByteWriter writer, ReadOnlySpan<Extent> extents)
    {
        writer.VarInt((ulong)extents.Length);
        foreach (var extent in extents)
        {
            extent.Chunk.CopyTo(writer.Take(ChunkId.Size));
            writer.VarInt((ulong)extent.Offset);
            writer.VarInt((ulong)extent.FileLength);
        }
    }

    public static ImmutableArray<Extent> ReadExtents(ref ByteReader reader, int max)
    {
        var count = reader.Int(max);
        if (count == 0) return [];
        var extents = ImmutableArray.CreateBuilder<Extent>(count);
        for (var i = 0; i < count; i++)
        {
            var (chunk, offset) = (reader.ChunkId(), reader.Int(ChunkSealer.MaxPlainLength));
            var extent = chunk == default
                ? Extent.OfHole((long)reader.VarInt(long.MaxValue)) with { Offset = offset }
                : new Extent(chunk, offset, reader.Int(ChunkSealer.MaxPlainLength));
            if (!IsValid(extent)) throw reader.Damaged("has an extent outside its chunk");
            extents.Add(extent);
        }
        return extents.MoveToImmutable();
    }

    public static bool IsValid(Extent extent) => extent.Chunk == default
        ? extent is { Hole: > 0, Offset: 0, Length: 0 }
        : extent is { Offset: >= 0, Length: > 0, Hole: 0 } && (long)extent.Offset + extent.Length <= ChunkSealer.MaxPlainLength;

    /// <summary>Bytes of a file that these are; -1 where no file is that long.</summary>
    public static long Sum(ReadOnlySpan<Extent> extents, long before = 0)
    {
        foreach (var extent in extents)
        {
            if (before < 0 || extent.FileLength > long.MaxValue - before) return -1;
            before += extent.FileLength;
        }
        return before;
    }
}
