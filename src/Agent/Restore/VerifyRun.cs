using System.Collections.Concurrent;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Restore;

/// <param name="Bytes">Of contents that were read and decrypted; 0 where they were not asked for.</param>
internal sealed record VerifyOutcome(long Files, long Chunks, long Bytes, bool FoundDamage);

/// <summary>
/// Checks a recovery point: every page of its catalog decrypts, every chunk is in the vault, and, where asked, every chunk
/// decrypts to what was backed up. Names the paths that damage hits.
/// </summary>
/// <remarks>Held in memory: about 60 bytes for each distinct chunk.</remarks>
internal sealed class VerifyRun(CommandContext context, ReadingSession session, OpenedPoint point, PathErrors errors) : IChunkReceiver
{
    private readonly Progress _progress = new() { Phase = "Verifying" };

    // How far into each chunk its extents reach.
    private readonly Dictionary<ChunkId, int> _reach = [];
    private readonly ConcurrentDictionary<ChunkId, string> _bad = new();
    private readonly CatalogLosses _losses = new(errors);
    private long _bytes;

    public async Task<VerifyOutcome> RunAsync(bool readData, CancellationToken cancellation)
    {
        await using var view = context.ShowProgress(_progress);
        _losses.Watch(point.Catalog);
        var pages = await point.Pages.PrefetchAsync(point.Catalog, cancellation);
        var files = await CollectAsync(cancellation);
        foreach (var id in await LostChunks.FindAsync(session.Ingest, point.Id, _reach.Keys, cancellation))
        {
            _bad[id] = "is not in the vault any more";
        }

        if (readData)
        {
            await ReadAsync(cancellation);
        }

        if (!_bad.IsEmpty)
        {
            await NameAsync(cancellation);
        }

        return new VerifyOutcome(files, pages.Count + _reach.Count, Interlocked.Read(ref _bytes), !_bad.IsEmpty || _losses.Any);
    }

    public void Receive(ChunkId id, ReadOnlySpan<byte> content)
    {
        if (_reach.TryGetValue(id, out var reach) && reach > content.Length)
        {
            _bad[id] = "is shorter than the catalog says";
        }

        Interlocked.Add(ref _bytes, content.Length);
        _progress.AddBytes(content.Length);
    }

    public void Damaged(ChunkId id, string why) => _bad.TryAdd(id, $"is damaged ({why})");

    private async Task<long> CollectAsync(CancellationToken cancellation)
    {
        long files = 0;
        await foreach (var entry in point.Catalog.ReadAsync(cancellationToken: cancellation))
        {
            foreach (var extent in entry.AttributeExtents)
            {
                Reach(extent);
            }

            if (entry.Kind != CatalogEntryKind.File)
            {
                continue;
            }

            files++;
            _progress.AddFile();
            try
            {
                await foreach (var extent in point.Catalog.ReadExtentsAsync(entry, cancellation))
                {
                    Reach(extent);
                }
            }
            catch (DamagedDataException damage)
            {
                _losses.Note(entry.Path, damage);
            }
        }

        return files;
    }

    private void Reach(Extent extent)
    {
        if (!extent.IsHole)
        {
            _reach[extent.Chunk] = Math.Max(_reach.GetValueOrDefault(extent.Chunk), extent.Offset + extent.Length);
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        _progress.BytesTotal = _reach.Values.Sum(reach => (long)reach);
        var stream = new ChunkStream(session, point.Id, _progress);
        try
        {
            await stream.FetchAsync(_reach.Keys.Where(id => !_bad.ContainsKey(id)).ToList(), this, cancellation);
            await stream.FinishAsync(_bad.IsEmpty, cancellation);
        }
        finally
        {
            await stream.AbandonAsync();
        }
    }

    private async Task NameAsync(CancellationToken cancellation)
    {
        await foreach (var entry in point.Catalog.ReadAsync(cancellationToken: cancellation))
        {
            foreach (var extent in entry.AttributeExtents)
            {
                if (_bad.TryGetValue(extent.Chunk, out var why))
                {
                    errors.Add(CatalogPaths.Absolute(entry.Path), "damaged", $"its extended attributes are damaged: chunk {extent.Chunk} {why}");
                    break;
                }
            }

            await NameAsync(entry, cancellation);
        }
    }

    private async Task NameAsync(CatalogEntry entry, CancellationToken cancellation)
    {
        try
        {
            await foreach (var extent in point.Catalog.ReadExtentsAsync(entry, cancellation))
            {
                if (_bad.TryGetValue(extent.Chunk, out var why))
                {
                    errors.Add(CatalogPaths.Absolute(entry.Path), "damaged", $"damaged: chunk {extent.Chunk} {why}");
                    return;
                }
            }
        }
        catch (DamagedDataException damage)
        {
            _losses.Note(entry.Path, damage);
        }
    }
}
