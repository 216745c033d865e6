using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// The base point's catalog, read once from its beginning to its end beside the walk of the sources, which comes in the
/// same order. Every chunk it refers to is noted on the way.
/// </summary>
internal sealed class BaseCatalog : IAsyncDisposable
{
    private readonly OpenedPoint _point;
    private readonly ChunkReferences _references;
    private readonly IAsyncEnumerator<CatalogEntry> _entries;
    private bool _more;

    private BaseCatalog(OpenedPoint point, ChunkReferences references, CancellationToken cancellation)
    {
        (_point, _references) = (point, references);
        _entries = point.Catalog.ReadAsync(cancellationToken: cancellation).GetAsyncEnumerator(cancellation);
    }

    public static async Task<BaseCatalog> OpenAsync(OpenedPoint point, ChunkReferences references, CancellationToken cancellation)
    {
        foreach (var page in await point.Pages.PrefetchAsync(point.Catalog, cancellation))
        {
            references.AddBase(page);
        }

        var catalog = new BaseCatalog(point, references, cancellation);
        catalog._more = await catalog._entries.MoveNextAsync();
        return catalog;
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
        await foreach (var extent in _point.Catalog.ReadExtentsAsync(entry, cancellation))
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
            await foreach (var extent in _point.Catalog.ReadExtentsAsync(entry, cancellation))
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
