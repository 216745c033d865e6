using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// The chunks that the base point and the new one refer to, catalog pages among them: what the one adds to the other.
/// </summary>
/// <remarks>
/// Held in memory: about 100 bytes for each distinct chunk, 200 MB for a terabyte of data that does not repeat.
/// </remarks>
internal sealed class ChunkReferences(IReadOnlySet<ChunkId> distrusted)
{
    private readonly HashSet<ChunkId> _base = [];
    private readonly HashSet<ChunkId> _new = [];

    /// <summary>The chunks of the new point.</summary>
    public IReadOnlySet<ChunkId> New => _new;

    public void AddBase(ChunkId id) => _base.Add(id);

    /// <summary>Notes a chunk of the new point.</summary>
    /// <returns>Whether its content has to be offered to the vault: it is met for the first time, and the base has none.</returns>
    public bool AddNew(ChunkId id) => _new.Add(id) && (!_base.Contains(id) || distrusted.Contains(id));

    /// <summary>Whether the vault said that it lacks this chunk.</summary>
    public bool IsDistrusted(ChunkId id) => distrusted.Contains(id);

    /// <summary>Ids in the new point and not in the base, ascending.</summary>
    public List<ChunkId> Added() => Difference(_new, _base);

    /// <summary>Ids in the base and not in the new point, ascending.</summary>
    public List<ChunkId> Dropped() => Difference(_base, _new);

    public ChunkSetHash SetHash()
    {
        var hash = default(ChunkSetHash);
        foreach (var id in _new)
        {
            hash.Add(id);
        }

        return hash;
    }

    private static List<ChunkId> Difference(HashSet<ChunkId> of, HashSet<ChunkId> without)
    {
        var ids = of.Where(id => !without.Contains(id)).ToList();
        ids.Sort();
        return ids;
    }
}
