using BackupPlatform.Agent.Commands;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>Recovery points of an item, opened to be read side by side, newest first.</summary>
internal sealed class ItemHistory : IDisposable
{
    private const int Together = 8;

    private readonly List<OpenedPoint> _points = [];

    private ItemHistory()
    {
    }

    public IReadOnlyList<OpenedPoint> Points => _points;

    /// <param name="name">A point; null: all of the item that can be read.</param>
    public static async Task<ItemHistory> OpenAsync(ReadingSession session, string? name, string? item, CancellationToken cancellation)
    {
        var history = new ItemHistory();
        try
        {
            if (name is not null)
            {
                history._points.Add(await PointFinder.OpenAsync(session, name, item, cached: true, cancellation));
            }
            else
            {
                await history.OpenAllAsync(session, item ?? PointFinder.DefaultItem, cancellation);
            }

            return history;
        }
        catch
        {
            history.Dispose();
            throw;
        }
    }

    public CatalogMerge Merge() => new(number => _points[number].Pages, [.. _points.Select(point => point.Manifest.Root)], passOverShared: false);

    /// <summary>What differs among the versions of a path, each with all points that have it: equal entries may come from different pages.</summary>
    public async Task<List<CatalogVersion>> VersionsAsync(MergedEntry merged, EntryComparison comparison, CancellationToken cancellation)
    {
        var versions = new List<CatalogVersion>();
        foreach (var next in merged.Versions)
        {
            var same = -1;
            for (var i = 0; i < versions.Count && same < 0; i++)
            {
                same = await AreSameAsync(versions[i], next, comparison, cancellation) ? i : -1;
            }

            if (same < 0)
            {
                versions.Add(next);
            }
            else
            {
                versions[same] = versions[same] with { Catalogs = [.. versions[same].Catalogs.Concat(next.Catalogs).Order()] };
            }
        }

        return versions;
    }

    public void Dispose()
    {
        foreach (var point in _points)
        {
            point.Dispose();
        }
    }

    private async Task<bool> AreSameAsync(
        CatalogVersion left, CatalogVersion right, EntryComparison comparison, CancellationToken cancellation) =>
        left.Entry == right.Entry
        || (EntryComparison.LookSame(left.Entry, right.Entry)
            && (await comparison.DifferencesAsync(Of(left), Of(right), cancellation)).Count == 0);

    private EntryOf Of(CatalogVersion version) => new(_points[version.Catalogs[0]], version.Entry);

    private async Task OpenAllAsync(ReadingSession session, string item, CancellationToken cancellation)
    {
        var found = new List<RecoveryPointDocument>();
        await foreach (var point in session.Ingest.ListPointsAsync(session.MachineId, item, cancellation))
        {
            if (point.State == RecoveryPointState.Sealed)
            {
                found.Add(point);
            }
        }

        if (found.Count == 0)
        {
            throw AgentException.Failed($"There is no recovery point of item '{item}' that can be read.", "not-found");
        }

        foreach (var some in found.Chunk(Together))
        {
            foreach (var opened in await Task.WhenAll(some.Select(point => OpenedPoint.OpenAsync(session, point, cached: true, cancellation))))
            {
                // Each page is read once in all.
                opened.Pages.MaxInMemory = 1;
                _points.Add(opened);
            }
        }

        await _points[0].Pages.PrefetchAsync(_points[0].Catalog, cancellation);
    }
}
