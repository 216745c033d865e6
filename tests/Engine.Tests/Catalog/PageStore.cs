using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Catalog;

/// <summary>Catalog pages in memory, and a count of what was read.</summary>
internal sealed class PageStore : ICatalogPages
{
    public Dictionary<ChunkId, byte[]> Pages { get; } = [];

    public List<ChunkId> Emitted { get; } = [];

    public int Reads { get; private set; }

    public ValueTask Emit(ChunkId id, ReadOnlyMemory<byte> page)
    {
        Emitted.Add(id);
        Pages[id] = page.ToArray();
        return ValueTask.CompletedTask;
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        Reads++;
        return ValueTask.FromResult<ReadOnlyMemory<byte>>(Pages[id]);
    }

    public async Task<CatalogRoot> WriteAsync(KeyRing keys, IEnumerable<CatalogEntry> entries)
    {
        var writer = new CatalogWriter(keys, Emit);
        foreach (var entry in entries) await writer.AppendAsync(entry);
        return await writer.FinishAsync();
    }
}
