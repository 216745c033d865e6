using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>
/// A place in a catalog, and the pages on the way to it: one for each level, whatever the catalog's size. Pages are
/// checked against what refers to them, so that no page can lead in a circle or show records out of order.
/// </summary>
internal sealed class CatalogCursor
{
    private readonly ICatalogPages _pages;
    private readonly CatalogRoot _root;
    private readonly Action<CatalogLoss>? _lost;
    private readonly Place[] _places;
    private bool _atEnd;

    /// <param name="lost">Hears of each page below the root that is damaged, and the cursor goes on behind it; null: that is a fault.</param>
    public CatalogCursor(ICatalogPages pages, CatalogRoot root, Action<CatalogLoss>? lost = null)
    {
        _lost = lost;
        if (root.Height is < 0 or > CatalogPage.MaxHeight) throw new DamagedDataException("catalog", "has an impossible height");
        _pages = pages;
        _root = root;
        _places = new Place[root.Height + 1];
    }

    /// <summary>The record at the cursor; null behind the last one.</summary>
    public LeafRecord? Current => _atEnd ? null : _places[0].Page!.Leaves[_places[0].Index];

    /// <summary>Goes to the first record whose key is not below <paramref name="key"/>.</summary>
    public async ValueTask SeekAsync(CatalogKey key, CancellationToken cancellationToken)
    {
        _atEnd = false;
        var height = 0;
        while (height < _root.Height && !Covers(height, key)) height++;
        if (_places[height].Page is null) await LoadRootAsync(cancellationToken);
        for (; height > 0; height--)
        {
            // The last child that begins at or before the key; the first one, where the key lies before them all.
            var page = _places[height].Page!;
            var found = page.LowerBound(key);
            if (found == page.Count || (found > 0 && page.KeyAt(found).CompareTo(key) > 0)) found--;
            if (_places[height].Index != found || _places[height - 1].Page is null || !_places[height - 1].IsOf(page, found))
            {
                _places[height].Index = found;
                if (!await TryLoadChildAsync(height, cancellationToken))
                {
                    await NextLeafAsync(cancellationToken);
                    return;
                }
            }
        }
        _places[0].Index = _places[0].Page!.LowerBound(key);
        if (_places[0].Index == _places[0].Page!.Count) await NextLeafAsync(cancellationToken);
    }

    /// <summary>Goes to the next record.</summary>
    public ValueTask MoveNextAsync(CancellationToken cancellationToken)
    {
        if (_atEnd || ++_places[0].Index < _places[0].Page!.Count) return ValueTask.CompletedTask;
        return NextLeafAsync(cancellationToken);
    }

    private async ValueTask NextLeafAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Below a page that could not be read there are none.
            var height = 1;
            while (height <= _root.Height && (_places[height].Page is not { } page || _places[height].Index + 1 == page.Count)) height++;
            if (height > _root.Height)
            {
                _atEnd = true;
                return;
            }
            _places[height].Index++;
            while (height > 0 && await TryLoadChildAsync(height, cancellationToken)) _places[--height].Index = 0;
            if (height == 0) return;
        }
    }

    /// <summary>False where the page is damaged and that was told.</summary>
    private async ValueTask<bool> TryLoadChildAsync(int height, CancellationToken cancellationToken)
    {
        var place = _places[height];
        var (from, before) = (place.Page!.KeyAt(place.Index), UpperBound(height - 1));
        try
        {
            await LoadChildAsync(height, cancellationToken);
            return true;
        }
        catch (DamagedDataException damage) when (_lost is not null)
        {
            _lost(new CatalogLoss(
                CatalogPath.Trusted(from.Path), before is { } upper ? CatalogPath.Trusted(upper.Path) : null, damage));
            return false;
        }
    }

    private bool Covers(int height, in CatalogKey key) =>
        _places[height].Page is { Count: > 0 } page
        && page.KeyAt(0).CompareTo(key) <= 0
        && (UpperBound(height) is not { } upper || key.CompareTo(upper) < 0);

    /// <summary>The key that the page after the one at this height begins with; null where there is none.</summary>
    private CatalogKey? UpperBound(int height)
    {
        for (var above = height + 1; above <= _root.Height; above++)
        {
            var place = _places[above];
            if (place.Index + 1 < place.Page!.Count) return place.Page.KeyAt(place.Index + 1);
        }
        return null;
    }

    private async ValueTask LoadRootAsync(CancellationToken cancellationToken)
    {
        var page = await ReadAsync(_root.PageId, _root.Height, _root.Entries, cancellationToken);
        _places[_root.Height] = new Place { Page = page };
    }

    /// <summary>Reads the page that the place at this height points to, into the place below.</summary>
    private async ValueTask LoadChildAsync(int height, CancellationToken cancellationToken)
    {
        var place = _places[height];
        var record = place.Page!.Children[place.Index];
        // Until it is there, the places below are not what this one points to.
        for (var below = 0; below < height; below++) _places[below] = default;
        var child = await ReadAsync(record.Page, height - 1, record.Entries, cancellationToken);
        var upper = UpperBound(height - 1);
        if (child.Count == 0 || child.KeyAt(0) is var first && first.CompareTo(record.Key) != 0
            || upper is { } limit && child.KeyAt(child.Count - 1).CompareTo(limit) >= 0)
        {
            throw new DamagedDataException($"catalog page {record.Page}", "has other records than the page above it says");
        }
        _places[height - 1] = new Place { Page = child, Parent = place.Page, ParentIndex = place.Index };
    }

    private async ValueTask<CatalogPage> ReadAsync(ChunkId id, int height, long entries, CancellationToken cancellationToken)
    {
        var bytes = await _pages.ReadAsync(id, cancellationToken);
        var page = CatalogPage.Parse(id, bytes.Span);
        if (page.Height != height || page.Entries != entries)
        {
            throw new DamagedDataException($"catalog page {id}", "has another height or count than what refers to it says");
        }
        return page;
    }

    private struct Place
    {
        public CatalogPage? Page;
        public CatalogPage? Parent;
        public int ParentIndex;
        public int Index;

        public readonly bool IsOf(CatalogPage parent, int index) => ReferenceEquals(Parent, parent) && ParentIndex == index;
    }
}
