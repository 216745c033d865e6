using System.Buffers;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// The catalog pages of a recovery point: from the cache, else from the vault. Keeps a few in memory. For one thread at a
/// time.
/// </summary>
/// <param name="cache">Null: every page comes from the vault, as a verification wants it.</param>
internal sealed class PointPages(IngestCalls ingest, Guid pointId, KeyRing keys, IPageCache? cache) : ICatalogPages, IDisposable
{
    // A page has up to 256 KiB, usually 50: a batch is a few megabytes.
    private const int FetchBatch = 64;

    private readonly ChunkSealer _sealer = new(keys);
    private readonly LinkedList<(ChunkId Id, byte[] Page)> _recent = [];

    /// <summary>How many pages are kept in memory, at least 1.</summary>
    public int MaxInMemory { get; set; } = 16;

    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        for (var node = _recent.First; node is not null; node = node.Next)
        {
            if (node.Value.Id == id)
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
                return node.Value.Page;
            }
        }

        if (cache?.TryRead(id) is { } cached)
        {
            return Remember(id, cached);
        }

        byte[]? fetched = null;
        try
        {
            await FetchAsync([id], (_, page) => fetched = page, cancellationToken);
        }
        catch (AgentException e) when (e.Code == ProblemCodes.Integrity)
        {
            throw new DamagedDataException($"catalog page {id}", "is not in the vault any more", e);
        }

        return Remember(id, fetched ?? throw new DamagedDataException($"catalog page {id}", "is not in the vault"));
    }

    /// <summary>
    /// Brings the pages that are not in the cache there, many at a time, and gives the ids of all pages. For whoever goes on
    /// to read the whole catalog.
    /// </summary>
    public async Task<HashSet<ChunkId>> PrefetchAsync(CatalogReader reader, CancellationToken cancellation)
    {
        var ids = new HashSet<ChunkId>();
        var wanted = new List<ChunkId>();
        // What cannot be had is told when it is read.
        var tolerant = reader.Lost is not null;
        await foreach (var id in reader.ReadPageIdsAsync(cancellation))
        {
            if (ids.Add(id) && cache?.Contains(id) == false)
            {
                wanted.Add(id);
            }

            if (wanted.Count == FetchBatch)
            {
                await BringAsync(wanted, tolerant, cancellation);
                wanted.Clear();
            }
        }

        if (wanted.Count > 0)
        {
            await BringAsync(wanted, tolerant, cancellation);
        }

        return ids;
    }

    public void Dispose() => _sealer.Dispose();

    private async Task BringAsync(List<ChunkId> ids, bool tolerant, CancellationToken cancellation)
    {
        try
        {
            await FetchAsync(ids, (_, _) => { }, cancellation);
        }
        catch (Exception e) when (tolerant && e is DamagedDataException or AgentException { Code: ProblemCodes.Integrity })
        {
        }
    }

    private async Task FetchAsync(IReadOnlyList<ChunkId> ids, Action<ChunkId, byte[]> take, CancellationToken cancellation)
    {
        var plain = ArrayPool<byte>.Shared.Rent(ChunkSealer.MaxPlainLength);
        try
        {
            await ingest.ReadChunksAsync(
                pointId,
                ids,
                (id, sealedChunk) =>
                {
                    var length = _sealer.Open(ChunkKind.Catalog, id, sealedChunk.Span, plain);
                    var page = plain.AsSpan(0, length).ToArray();
                    cache?.Write(id, page);
                    take(id, page);
                    return ValueTask.CompletedTask;
                },
                (id, why) => throw new DamagedDataException($"catalog page {id}", $"comes damaged from the vault ({why})"),
                cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private byte[] Remember(ChunkId id, byte[] page)
    {
        _recent.AddFirst((id, page));
        if (_recent.Count > MaxInMemory)
        {
            _recent.RemoveLast();
        }

        return page;
    }
}
