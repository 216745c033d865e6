using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// The base point's catalog, read once from its beginning to its end beside the walk of the sources, which comes in the
/// same order. Every chunk it refers to is noted on the way.
/// </summary>
internal sealed class BaseCatalog : IAsyncDisposable
{
    private readonly CatalogReader _catalog;
    private readonly ChunkReferences _references;
    private readonly IAsyncEnumerator<CatalogEntry> _entries;
    private bool _more;

    private BaseCatalog(CatalogReader catalog, ChunkReferences references, CancellationToken cancellation)
    {
        (_catalog, _references) = (catalog, references);
        _entries = catalog.ReadAsync(cancellationToken: cancellation).GetAsyncEnumerator(cancellation);
    }

    public static async Task<BaseCatalog> OpenAsync(OpenedPoint point, ChunkReferences references, CancellationToken cancellation)
    {
        return await OpenAsync(point.Catalog, await point.Pages.PrefetchAsync(point.Catalog, cancellation), references, cancellation);
    }

    /// <param name="pages">The ids of all pages of the catalog.</param>
    public static async Task<BaseCatalog> OpenAsync(
        CatalogReader catalog, IEnumerable<ChunkId> pages, ChunkReferences references, CancellationToken cancellation)
    {
        foreach (var page in pages)
        {
            references.AddBase(page);
        }

        var opened = new BaseCatalog(catalog, references, cancellation);
        opened._more = await opened._entries.MoveNextAsync();
        return opened;
    }

    /// <summary>The base's entry of a path, or null. Paths are asked for in ascending order.</summary>
    public async ValueTask<CatalogEntry?> FindAsync(CatalogPath path, CancellationToken cancellation)
    {
        while (_more)
        {
            var entry = _entries.Current;
            var order = entry.Path.CompareTo(path);
            if (order > 0)
            {
                return null;
            }

            await PassAsync(entry, cancellation);
            if (order == 0)
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>All extents of an entry.</summary>
    public async ValueTask<List<Extent>> ExtentsAsync(CatalogEntry entry, CancellationToken cancellation)
    {
        var extents = new List<Extent>();
        await foreach (var extent in _catalog.ReadExtentsAsync(entry, cancellation))
        {
            extents.Add(extent);
        }

        return extents;
    }

    /// <summary>Reads what is left, for its chunks.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        while (_more)
        {
            await PassAsync(_entries.Current, cancellation);
        }
    }

    public ValueTask DisposeAsync() => _entries.DisposeAsync();

    private async ValueTask PassAsync(CatalogEntry entry, CancellationToken cancellation)
    {
        if (entry.ExtentsContinue)
        {
            await foreach (var extent in _catalog.ReadExtentsAsync(entry, cancellation))
            {
                Note(extent);
            }
        }
        else
        {
            foreach (var extent in entry.Extents)
            {
                Note(extent);
            }
        }

        foreach (var extent in entry.AttributeExtents)
        {
            Note(extent);
        }

        _more = await _entries.MoveNextAsync();
    }

    private void Note(Extent extent)
    {
        if (!extent.IsHole)
        {
            _references.AddBase(extent.Chunk);
        }
    }
}
