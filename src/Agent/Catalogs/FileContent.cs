using BackupPlatform.Agent.Commands;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// Reads contents of files of recovery points in order, each chunk verified. Keeps at most <see cref="MaxBytes"/> of chunks, so
/// that small files that share one do not fetch it again. For one thread at a time.
/// </summary>
internal sealed class FileContent(ReadingSession session) : IDisposable
{
    private const int MaxBytes = 32 * 1024 * 1024;

    // Asked for together; at 2 MiB a chunk they fit into what is kept.
    private const int Together = 12;

    private static readonly byte[] s_zeros = new byte[256 * 1024];

    private readonly ChunkSealer _sealer = new(session.Keys);
    private readonly Dictionary<ChunkId, byte[]> _chunks = [];
    private readonly Queue<ChunkId> _oldest = new();
    private readonly byte[] _plain = new byte[ChunkSealer.MaxPlainLength];
    private int _bytes;

    /// <summary>A file's pieces in order, holes as zeros; each is valid until the next is asked for.</summary>
    /// <exception cref="DamagedDataException">A chunk is not in the vault as it was backed up.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        EntryOf file, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var batch = new List<Extent>(Together);
        await foreach (var extent in file.Point.Catalog.ReadExtentsAsync(file.Entry, cancellation))
        {
            batch.Add(extent);
            if (batch.Count == Together)
            {
                await FetchAsync(file.Point.Id, batch, cancellation);
                foreach (var piece in batch.SelectMany(Pieces))
                {
                    yield return piece;
                }

                batch.Clear();
            }
        }

        await FetchAsync(file.Point.Id, batch, cancellation);
        foreach (var piece in batch.SelectMany(Pieces))
        {
            yield return piece;
        }
    }

    public void Dispose() => _sealer.Dispose();

    private IEnumerable<ReadOnlyMemory<byte>> Pieces(Extent extent)
    {
        for (var left = extent.Hole; left > 0; left -= s_zeros.Length)
        {
            yield return s_zeros.AsMemory(0, (int)Math.Min(left, s_zeros.Length));
        }

        if (!extent.IsHole)
        {
            yield return Piece(extent);
        }
    }

    private ReadOnlyMemory<byte> Piece(Extent extent)
    {
        var chunk = _chunks[extent.Chunk];
        return extent.Offset + extent.Length <= chunk.Length
            ? chunk.AsMemory(extent.Offset, extent.Length)
            : throw new DamagedDataException($"chunk {extent.Chunk}", "is shorter than the catalog says");
    }

    private async Task FetchAsync(Guid pointId, List<Extent> extents, CancellationToken cancellation)
    {
        var wanted = extents.Where(extent => !extent.IsHole).Select(extent => extent.Chunk).Distinct().Where(id => !_chunks.ContainsKey(id)).ToList();
        Forget(extents);
        if (wanted.Count == 0)
        {
            return;
        }

        try
        {
            await session.Ingest.ReadChunksAsync(
                pointId,
                wanted,
                Keep,
                (id, why) => throw new DamagedDataException($"chunk {id}", $"comes damaged from the vault ({why})"),
                cancellation);
        }
        catch (AgentException e) when (e.Code == Contracts.ProblemCodes.Integrity)
        {
            throw AgentException.Damaged($"The vault has lost a part of it. {e.Message}", e);
        }
    }

    private ValueTask Keep(ChunkId id, ReadOnlyMemory<byte> sealedChunk)
    {
        var length = _sealer.Open(ChunkKind.Data, id, sealedChunk.Span, _plain);
        _chunks[id] = _plain.AsSpan(0, length).ToArray();
        _oldest.Enqueue(id);
        _bytes += length;
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes room, the longest kept first, but never what is wanted now.</summary>
    private void Forget(List<Extent> wanted)
    {
        for (var looked = _oldest.Count; looked > 0 && _bytes > MaxBytes; looked--)
        {
            var id = _oldest.Dequeue();
            if (wanted.Exists(extent => extent.Chunk == id))
            {
                _oldest.Enqueue(id);
                continue;
            }

            _bytes -= _chunks[id].Length;
            _chunks.Remove(id);
        }
    }
}
