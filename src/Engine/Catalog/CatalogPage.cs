using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>A page of a catalog, read and checked. See FORMAT.md for the bytes.</summary>
internal sealed class CatalogPage
{
    /// <summary>Bytes of a page at most.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Levels of index pages at most; each level at least halves the one below.</summary>
    public const int MaxHeight = 32;

    public const int HeaderSize = 20;
    public const int CountAt = 8;
    public const int EntriesAt = 12;
    public const byte Version = 1;

    private CatalogPage(int height, long entries, LeafRecord[] leaves, IndexRecord[] children)
    {
        Height = height;
        Entries = entries;
        Leaves = leaves;
        Children = children;
    }

    public static ReadOnlySpan<byte> Magic => "BPCP"u8;

    /// <summary>0 for a leaf page.</summary>
    public int Height { get; }

    /// <summary>Entries in this page, or in all leaf pages below it.</summary>
    public long Entries { get; }

    /// <summary>The records of a leaf page.</summary>
    public LeafRecord[] Leaves { get; }

    /// <summary>The records of an index page.</summary>
    public IndexRecord[] Children { get; }

    public int Count => Leaves.Length + Children.Length;

    public CatalogKey KeyAt(int index) => Height == 0 ? Leaves[index].Key : Children[index].Key;

    /// <summary>The first record whose key is not below <paramref name="key"/>; <see cref="Count"/> where there is none.</summary>
    public int LowerBound(in CatalogKey key)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (KeyAt(middle).CompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Reads a page, whose id was already verified.</summary>
    /// <exception cref="DamagedDataException">It is no page.</exception>
    /// <exception cref="UnsupportedFormatException">It is a page of a newer format.</exception>
    public static CatalogPage Parse(ChunkId id, ReadOnlySpan<byte> bytes)
    {
        var what = $"catalog page {id}";
        var reader = new ByteReader(bytes, what);
        if (bytes.Length > MaxBytes) throw reader.Damaged($"is longer than {MaxBytes} bytes");
        if (!reader.Bytes(Magic.Length).SequenceEqual(Magic)) throw reader.Damaged("is no catalog page");
        var version = reader.Byte();
        if (version != Version) throw new UnsupportedFormatException($"The {what} has format version {version}; this agent reads version {Version}.");
        var height = reader.Byte();
        if (height > MaxHeight || reader.Bytes(2).ContainsAnyExcept((byte)0)) throw reader.Damaged("has an impossible header");
        var count = reader.UInt32();
        var entries = reader.Int64();
        // A record has at least three bytes, so the count cannot make us allocate more than the page has earned.
        if (count > reader.Left / 3) throw reader.Damaged("has an impossible number of records");
        var page = height == 0
            ? new CatalogPage(height, entries, ReadLeaves(ref reader, (int)count), [])
            : new CatalogPage(height, entries, [], ReadChildren(ref reader, (int)count));
        if (!reader.AtEnd) throw reader.Damaged("goes on after its last record");
        if (page.SumEntries() != entries) throw reader.Damaged("counts its entries wrongly");
        return page;
    }

    private static LeafRecord[] ReadLeaves(ref ByteReader reader, int count)
    {
        var records = new LeafRecord[count];
        CatalogKey? last = null;
        for (var i = 0; i < count; i++)
        {
            var key = ReadKey(ref reader, last);
            if (key.Ordinal == 0)
            {
                var entry = CatalogRecords.ReadEntry(ref reader, CatalogPath.Trusted(key.Path));
                records[i] = new LeafRecord(key, entry, entry.Extents);
            }
            else
            {
                CheckContinues(ref reader, key, i == 0 ? null : records[i - 1]);
                var extents = CatalogRecords.ReadExtents(ref reader, CatalogRecords.MaxContinuedExtents);
                if (extents.IsEmpty) throw reader.Damaged("has an empty continuation");
                records[i] = new LeafRecord(key, null, extents);
            }
            last = key;
        }
        return records;
    }

    // The first record of a page may continue a file of the page before, which the reader of its extents checks.
    private static void CheckContinues(ref ByteReader reader, in CatalogKey key, LeafRecord? before)
    {
        if (before is null) return;
        if (before.Key.Ordinal + 1 != key.Ordinal || before.Entry is { ExtentsContinue: false }
            || !before.Key.Path.Span.SequenceEqual(key.Path.Span))
        {
            throw reader.Damaged("has a continuation of nothing");
        }
    }

    private static IndexRecord[] ReadChildren(ref ByteReader reader, int count)
    {
        if (count == 0) throw reader.Damaged("is an index of nothing");
        var records = new IndexRecord[count];
        for (var i = 0; i < count; i++)
        {
            var key = ReadKey(ref reader, i == 0 ? null : records[i - 1].Key);
            records[i] = new IndexRecord(key, reader.ChunkId(), (long)reader.VarInt(long.MaxValue));
        }
        return records;
    }

    private static CatalogKey ReadKey(ref ByteReader reader, CatalogKey? last)
    {
        var before = last is { } l ? l.Path.Span : default;
        var shared = reader.Int(before.Length);
        var suffix = reader.Block(CatalogPath.MaxLength - shared);
        var path = new byte[shared + suffix.Length];
        before[..shared].CopyTo(path);
        suffix.CopyTo(path.AsSpan(shared));
        if (CatalogPath.Fault(path) is not null) throw reader.Damaged("has an impossible path");
        var key = new CatalogKey(path, reader.Int(int.MaxValue));
        if (last is { } previous && previous.CompareTo(key) >= 0) throw reader.Damaged("has records out of order");
        return key;
    }

    private long SumEntries()
    {
        Int128 sum = 0;
        foreach (var record in Leaves) sum += record.Entry is null ? 0 : 1;
        foreach (var record in Children) sum += record.Entries;
        return sum > long.MaxValue ? -1 : (long)sum;
    }
}
