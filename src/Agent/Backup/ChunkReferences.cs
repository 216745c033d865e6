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
    private readonly HashSet<ChunkId> _offered = [];

    /// <summary>Whether the vault is believed to have what the base refers to; if not, it is asked. What is read once only cannot be sent later.</summary>
    public bool TrustsBase { get; init; } = true;

    /// <summary>The chunks of the new point.</summary>
    public IReadOnlySet<ChunkId> New => _new;

    public void AddBase(ChunkId id) => _base.Add(id);

    /// <summary>
    /// Whether a content that was met has to be offered to the vault: for the first time, and the base does not have it. It is
    /// not the new point's chunk by that: the file that it was read from may yet fail.
    /// </summary>
    public bool MustOffer(ChunkId id) => (!TrustsBase || !_base.Contains(id) || distrusted.Contains(id)) && _offered.Add(id);

    /// <summary>Notes a chunk that the new point's catalog refers to, or a page of that catalog.</summary>
    public void AddNew(ChunkId id) => _new.Add(id);

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
