using System.IO.Hashing;

namespace BackupPlatform.Engine;

/// <summary>Collects the records of one level into pages, and says where a page ends.</summary>
internal sealed class CatalogPageBuilder(int height, ulong boundarySeed)
{
    // A page ends after a record whose key's hash begins with so many zero bits.
    private const int EntryBoundaryBits = 9;
    private const int ContinuationBoundaryBits = 4;
    private const int IndexBoundaryBits = 7;

    // Two varints of a path's lengths and one of an ordinal, at the longest.
    private const int MaxKeyOverhead = 11;

    private readonly ByteWriter _page = new();
    private readonly ByteWriter _hashed = new();
    private CatalogKey _last;
    private long _entries;

    public int Count { get; private set; }

    public CatalogKey FirstKey { get; private set; }

    public long Entries => _entries;

    public bool HasRoomFor(in CatalogKey key, int bodyLength) =>
        Count == 0 || _page.Length + key.Path.Length + bodyLength + MaxKeyOverhead <= CatalogPage.MaxBytes;

    public void Append(in CatalogKey key, ReadOnlySpan<byte> body, long entries)
    {
        if (Count == 0) Begin(key);
        var path = key.Path.Span;
        var shared = Count == 0 ? 0 : path.CommonPrefixLength(_last.Path.Span);
        _page.VarInt((ulong)shared);
        _page.Block(path[shared..]);
        _page.VarInt((ulong)key.Ordinal);
        _page.Bytes(body);
        _last = key;
        _entries += entries;
        Count++;
    }

    /// <summary>
    /// Whether the page ends after the record appended last. It depends on that record's key alone, so that a change
    /// elsewhere leaves the boundary where it is. An index page has at least two records, so that levels come to an end.
    /// </summary>
    public bool EndsHere()
    {
        if (height > 0 && Count < 2) return false;
        var bits = height > 0 ? IndexBoundaryBits : _last.Ordinal == 0 ? EntryBoundaryBits : ContinuationBoundaryBits;
        _hashed.Clear();
        _hashed.Bytes(_last.Path.Span);
        _hashed.UInt32((uint)_last.Ordinal);
        _hashed.Byte((byte)height);
        return XxHash3.HashToUInt64(_hashed.Written, (long)boundarySeed) >> (64 - bits) == 0;
    }

    /// <summary>The page's bytes, valid until the next record is appended; the builder is empty then.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        if (Count == 0) Begin(default);
        _page.PatchUInt32(CatalogPage.CountAt, (uint)Count);
        _page.PatchUInt64(CatalogPage.EntriesAt, (ulong)_entries);
        Count = 0;
        _entries = 0;
        return _page.Memory;
    }

    private void Begin(in CatalogKey first)
    {
        FirstKey = first;
        _page.Clear();
        _page.Bytes(CatalogPage.Magic);
        _page.Byte(CatalogPage.Version);
        _page.Byte((byte)height);
        _page.Take(CatalogPage.HeaderSize - CatalogPage.Magic.Length - 2).Clear();
    }
}
