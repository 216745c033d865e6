using System.Runtime.CompilerServices;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>Where a reader gets catalog pages from: a cache on the machine, or the vault.</summary>
public interface ICatalogPages
{
    /// <summary>The plaintext of a catalog chunk, verified against its id, as <see cref="ChunkSealer.Open"/> does.</summary>
    ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken);
}

/// <summary>A part of a catalog that cannot be read.</summary>
/// <param name="From">The first path that is lost.</param>
/// <param name="Before">The first one behind the loss; null: everything to the catalog's end is lost.</param>
/// <param name="Damage">What is wrong.</param>
public sealed record CatalogLoss(CatalogPath From, CatalogPath? Before, DamagedDataException Damage);

/// <summary>
/// Reads the catalog of a recovery point. Memory: a page for each level, for each enumeration. Whatever the pages hold,
/// a fault is a <see cref="DamagedDataException"/> or an <see cref="UnsupportedFormatException"/>.
/// </summary>
public sealed class CatalogReader(ICatalogPages pages, CatalogRoot root)
{
    /// <summary>
    /// Where set, damaged pages below the root are told here, each time they are met, and what they hold is passed over; where not,
    /// they are a fault.
    /// </summary>
    public Action<CatalogLoss>? Lost { get; set; }

    /// <summary>All entries in path order, or <paramref name="under"/> and everything below it.</summary>
    public async IAsyncEnumerable<CatalogEntry> ReadAsync(
        CatalogPath under = default, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var entry in ReadFromAsync(under, cancellationToken))
        {
            if (!under.IsRoot && entry.Path != under && !entry.Path.IsUnder(under)) yield break;
            yield return entry;
        }
    }

    /// <summary>The entries at and after a path, to the end of the catalog.</summary>
    public async IAsyncEnumerable<CatalogEntry> ReadFromAsync(
        CatalogPath from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var cursor = new CatalogCursor(pages, root, Lost);
        await cursor.SeekAsync(new CatalogKey(from.Bytes, 0), cancellationToken);
        for (; cursor.Current is { } record; await cursor.MoveNextAsync(cancellationToken))
        {
            if (record.Entry is { } entry) yield return entry;
        }
    }

    /// <summary>The entry of a path; null where there is none.</summary>
    public async ValueTask<CatalogEntry?> FindAsync(CatalogPath path, CancellationToken cancellationToken = default)
    {
        var cursor = new CatalogCursor(pages, root, Lost);
        await cursor.SeekAsync(new CatalogKey(path.Bytes, 0), cancellationToken);
        return cursor.Current?.Entry is { } entry && entry.Path == path ? entry : null;
    }

    /// <summary>
    /// What lies directly in a directory, in path order; what lies deeper is passed over, page by page where it is much.
    /// </summary>
    public async IAsyncEnumerable<CatalogEntry> ReadChildrenAsync(
        CatalogPath directory, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var cursor = new CatalogCursor(pages, root, Lost);
        var prefix = directory.IsRoot ? 0 : directory.Span.Length + 1;
        await cursor.SeekAsync(new CatalogKey(directory.Bytes, int.MaxValue), cancellationToken);
        while (cursor.Current is { } record && CatalogPath.Trusted(record.Key.Path).IsUnder(directory))
        {
            var nameLength = record.Key.Path.Span[prefix..].IndexOf((byte)'/');
            if (nameLength < 0 && record.Entry is { } entry) yield return entry;
            // Behind everything below this name: '/' ranks as 0, so a byte of 1 comes right after it.
            byte[] behind = [.. nameLength < 0 ? record.Key.Path.Span : record.Key.Path.Span[..(prefix + nameLength)], 1];
            await cursor.SeekAsync(new CatalogKey(behind, 0), cancellationToken);
        }
    }

    /// <summary>All extents of a file that this reader gave, in order, however many they are.</summary>
    public async IAsyncEnumerable<Extent> ReadExtentsAsync(
        CatalogEntry entry, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var extent in entry.Extents) yield return extent;
        if (!entry.ExtentsContinue) yield break;

        var sum = CatalogRecords.Sum(entry.Extents.AsSpan());
        var cursor = new CatalogCursor(pages, root, Lost);
        var expected = new CatalogKey(entry.Path.Bytes, 1);
        await cursor.SeekAsync(expected, cancellationToken);
        while (cursor.Current is { Entry: null } record && record.Key.CompareTo(expected) == 0)
        {
            foreach (var extent in record.Extents) yield return extent;
            sum = CatalogRecords.Sum(record.Extents.AsSpan(), sum);
            expected = expected with { Ordinal = expected.Ordinal + 1 };
            await cursor.MoveNextAsync(cancellationToken);
        }
        if (expected.Ordinal == 1 || (!entry.Incomplete && sum != entry.Size))
        {
            throw new DamagedDataException($"catalog entry '{entry.Path}'", "lacks a part of its extents");
        }
    }

    /// <summary>
    /// The ids of all pages, each before the ones below it; with the leaves named by their index pages, which alone are
    /// read. A page that stands in several places comes several times.
    /// </summary>
    public async IAsyncEnumerable<ChunkId> ReadPageIdsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (root.Height is < 0 or > CatalogPage.MaxHeight) throw new DamagedDataException("catalog", "has an impossible height");
        var pending = new Stack<(IndexRecord[] Records, int Next, int Height)>();
        pending.Push(([new IndexRecord(default, root.PageId, root.Entries)], 0, root.Height));
        while (pending.TryPop(out var place))
        {
            var record = place.Records[place.Next];
            if (place.Next + 1 < place.Records.Length) pending.Push((place.Records, place.Next + 1, place.Height));
            yield return record.Page;
            if (place.Height == 0) continue;
            if (await ChildrenAsync(record, place.Height, cancellationToken) is { } children) pending.Push((children, 0, place.Height - 1));
        }
    }

    /// <summary>Null where the page is damaged and that may be: whoever reads what is below it is told.</summary>
    private async ValueTask<IndexRecord[]?> ChildrenAsync(IndexRecord record, int height, CancellationToken cancellationToken)
    {
        try
        {
            var page = CatalogPage.Parse(record.Page, (await pages.ReadAsync(record.Page, cancellationToken)).Span);
            return page.Height == height && page.Entries == record.Entries
                ? page.Children
                : throw new DamagedDataException($"catalog page {record.Page}", "has another height or count than what refers to it says");
        }
        catch (DamagedDataException) when (Lost is not null && height < root.Height)
        {
            return null;
        }
    }
}
