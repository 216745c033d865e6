using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Restore;

/// <summary>A part of a file, to be written when its chunk comes.</summary>
/// <param name="Entry">Which of the plan's entries.</param>
/// <param name="Position">Where it belongs in the file.</param>
internal readonly record struct Piece(int Entry, long Position, int Offset, int Length);

/// <summary>
/// What is to be restored: entries in the catalog's order, and the pieces of their contents by chunk.
/// </summary>
/// <remarks>Held in memory: a few hundred bytes for an entry, and about 100 for an extent.</remarks>
internal sealed class RestorePlan
{
    private readonly Dictionary<ChunkId, List<Piece>> _pieces = [];

    public List<PlannedEntry> Entries { get; } = [];

    public IReadOnlyDictionary<ChunkId, List<Piece>> Pieces => _pieces;

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; private set; }

    /// <summary>Chooses from a recovery point; no paths: everything.</summary>
    /// <exception cref="AgentException">A path is not in it.</exception>
    public static async Task<RestorePlan> CreateAsync(CatalogReader catalog, IReadOnlyList<CatalogPath> paths, CancellationToken cancellation)
    {
        var plan = new RestorePlan();
        if (paths.Count == 0 || paths.Any(path => path.IsRoot))
        {
            await plan.AddAllAsync(catalog, CatalogPath.Root, cancellation);
            return plan;
        }

        var last = default(CatalogPath?);
        foreach (var path in paths.Order())
        {
            // A path inside one that was chosen before is there already.
            if (last is { } whole && (path == whole || path.IsUnder(whole)))
            {
                continue;
            }

            await plan.AddParentsAsync(catalog, path, cancellation);
            var before = plan.Entries.Count;
            await plan.AddAllAsync(catalog, path, cancellation);
            if (plan.Entries.Count == before)
            {
                throw Commands.ListCommand.Missing(path);
            }

            last = path;
        }

        return plan;
    }

    /// <summary>Takes files and symbolic links out of the plan.</summary>
    public void LeaveOut(Predicate<CatalogEntry> which)
    {
        for (var i = 0; i < Entries.Count; i++)
        {
            Entries[i] = Entries[i] with { LeftOut = which(Entries[i].Entry) };
        }

        foreach (var (id, pieces) in _pieces)
        {
            pieces.RemoveAll(piece => Entries[piece.Entry].LeftOut);
            if (pieces.Count == 0)
            {
                _pieces.Remove(id);
            }
        }
    }

    private async Task AddParentsAsync(CatalogReader catalog, CatalogPath path, CancellationToken cancellation)
    {
        var parents = new Stack<CatalogPath>();
        for (var parent = path.Parent; !parent.IsRoot; parent = parent.Parent)
        {
            parents.Push(parent);
        }

        foreach (var parent in parents)
        {
            var known = Entries.Exists(planned => planned.Entry.Path == parent);
            if (!known && await catalog.FindAsync(parent, cancellation) is { } entry)
            {
                Entries.Add(new PlannedEntry(entry with { Extents = [] }, Chosen: false));
            }
        }
    }

    private async Task AddAllAsync(CatalogReader catalog, CatalogPath under, CancellationToken cancellation)
    {
        await foreach (var entry in catalog.ReadAsync(under, cancellation))
        {
            var index = Entries.Count;
            Entries.Add(new PlannedEntry(entry with { Extents = [] }, Chosen: true));
            if (entry.Kind != CatalogEntryKind.File)
            {
                continue;
            }

            long position = 0;
            await foreach (var extent in catalog.ReadExtentsAsync(entry, cancellation))
            {
                Add(extent, new Piece(index, position, extent.Offset, extent.Length));
                position += extent.Length;
            }

            Entries[index] = Entries[index] with { Length = position };
            Bytes += position;
        }
    }

    private void Add(Extent extent, Piece piece)
    {
        if (!_pieces.TryGetValue(extent.Chunk, out var pieces))
        {
            // Most chunks have one piece; the aggregates of small files have more.
            _pieces.Add(extent.Chunk, pieces = new List<Piece>(1));
        }

        pieces.Add(piece);
    }
}

/// <param name="Entry">Without its extents, which are the plan's pieces.</param>
/// <param name="Chosen">Asked for; else it only leads there.</param>
/// <param name="Length">Bytes that its pieces have together.</param>
/// <param name="LeftOut">Not restored after all.</param>
internal readonly record struct PlannedEntry(CatalogEntry Entry, bool Chosen, long Length = 0, bool LeftOut = false);
