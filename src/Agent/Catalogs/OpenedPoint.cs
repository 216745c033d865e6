using BackupPlatform.Agent.Commands;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>A recovery point whose manifest was opened and checked, and its catalog.</summary>
internal sealed class OpenedPoint : IDisposable
{
    private OpenedPoint(Guid id, Manifest manifest, byte[] sealedManifest, PointPages pages)
    {
        (Id, Manifest, SealedManifest, Pages) = (id, manifest, sealedManifest, pages);
        Catalog = new CatalogReader(pages, manifest.Root);
    }

    public Guid Id { get; }

    public Manifest Manifest { get; }

    public byte[] SealedManifest { get; }

    public PointPages Pages { get; }

    public CatalogReader Catalog { get; }

    /// <summary>Opens the point that a new one is based on.</summary>
    public static OpenedPoint Open(ReadingSession session, string item, BasePoint point) =>
        Open(session, item, point.RecoveryPointId, point.Sequence, point.Manifest, cached: true);

    /// <summary>Opens a point for reading.</summary>
    /// <param name="cached">Whether catalog pages may come from where they are kept at hand.</param>
    public static async Task<OpenedPoint> OpenAsync(
        ReadingSession session, RecoveryPointDocument point, bool cached, CancellationToken cancellation)
    {
        var sealedManifest = await session.Ingest.GetManifestAsync(point.Id, cancellation);
        var opened = Open(session, point.Item, point.Id, point.Sequence, sealedManifest, cached);
        session.Heads?.CheckAny(point.Item, opened.Manifest, sealedManifest);
        return opened;
    }

    public void Dispose() => Pages.Dispose();

    private static OpenedPoint Open(ReadingSession session, string item, Guid id, long sequence, byte[] sealedManifest, bool cached)
    {
        var manifest = Manifest.Open(session.Keys, item, sequence, sealedManifest);
        return new OpenedPoint(
            id, manifest, sealedManifest, new PointPages(session.Ingest, id, session.Keys, cached ? session.Cache(item) : null));
    }
}
