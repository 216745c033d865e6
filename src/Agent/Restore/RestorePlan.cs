using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Restore;

/// <summary>A part of a file, to be written when its chunk comes.</summary>
/// <param name="Entry">Which of the plan's entries.</param>
/// <param name="Position">Where it belongs in the file, or among its encoded extended attributes.</param>
/// <param name="IsAttribute">A part of the entry's extended attributes, not of its content.</param>
internal readonly record struct Piece(int Entry, long Position, int Offset, int Length, bool IsAttribute = false);

/// <summary>
/// What is to be restored: entries in the catalog's order, and the pieces of their contents by chunk.
/// </summary>
/// <remarks>Held in memory: a few hundred bytes for an entry, and about 100 for an extent.</remarks>
internal sealed class RestorePlan
{
    private readonly Dictionary<ChunkId, List<Piece>> _pieces = [];
    private readonly Dictionary<int, List<int>> _names = [];
    private readonly HashSet<CatalogPath> _directories = [];

    public List<PlannedEntry> Entries { get; } = [];

    public IReadOnlyDictionary<ChunkId, List<Piece>> Pieces => _pieces;

    /// <summary>Bytes of all files that have to be written: holes are none.</summary>
    public long Bytes { get; private set; }

    /// <summary>Chooses from a recovery point; no paths: everything.</summary>
    /// <param name="losses">Hears of what the catalog does not tell any more.</param>
    /// <exception cref="AgentException">A path is not in it.</exception>
    public static async Task<RestorePlan> CreateAsync(
        CatalogReader catalog, IReadOnlyList<CatalogPath> paths, CatalogLosses losses, CancellationToken cancellation)
    {
        losses.Watch(catalog);
        var plan = new RestorePlan();
        if (paths.Count == 0 || paths.Any(path => path.IsRoot))
        {
            await plan.AddAllAsync(catalog, CatalogPath.Root, losses, cancellation);
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
            var (before, lostBefore) = (plan.Entries.Count, losses.Count);
            await plan.AddAllAsync(catalog, path, losses, cancellation);
            if (plan.Entries.Count == before && losses.Count == lostBefore)
            {
                throw Commands.ListCommand.Missing(path);
            }

            last = path;
        }

        return plan;
    }

    /// <summary>Takes entries out of the plan; before <see cref="LinkNames"/>.</summary>
    public void LeaveOut(Predicate<CatalogEntry> which)
    {
        for (var i = 0; i < Entries.Count; i++)
        {
            Entries[i] = Entries[i] with { LeftOut = Entries[i].LeftOut || which(Entries[i].Entry) };
        }
    }

    /// <summary>The other names of a file, by the index of the one whose content is restored.</summary>
    public IReadOnlyList<int> OtherNames(int index) => _names.GetValueOrDefault(index) ?? [];

    /// <summary>
    /// Ends the plan. Finds what is one file: its first name that is restored gets the content, the others become links to
    /// it. They, and what is left out, need no chunks.
    /// </summary>
    public void LinkNames()
    {
        var first = new Dictionary<CatalogPath, int>();
        for (var i = 0; i < Entries.Count; i++)
        {
            var (entry, leftOut) = (Entries[i].Entry, Entries[i].LeftOut);
            if (entry.HardLink is not { } link || leftOut || first.TryAdd(link.First, i))
            {
                continue;
            }

            Entries[i] = Entries[i] with { IsOtherName = true };
            var leader = first[link.First];
            if (!_names.TryGetValue(leader, out var names))
            {
                _names.Add(leader, names = []);
            }

            names.Add(i);
        }

        Prune();
    }

    private void Prune()
    {
        foreach (var (id, pieces) in _pieces)
        {
            Bytes -= pieces.Where(piece => !piece.IsAttribute && !IsWritten(piece)).Sum(piece => (long)piece.Length);
            pieces.RemoveAll(piece => !IsWritten(piece));
            if (pieces.Count == 0)
            {
                _pieces.Remove(id);
            }
        }
    }

    private bool IsWritten(Piece piece) => Entries[piece.Entry] is { LeftOut: false, IsOtherName: false };

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
                AddAttributes(entry, Entries.Count);
                Append(new PlannedEntry(entry with { Extents = [] }, Chosen: false));
            }
        }
    }

    private async Task AddAllAsync(CatalogReader catalog, CatalogPath under, CatalogLosses losses, CancellationToken cancellation)
    {
        await foreach (var entry in catalog.ReadAsync(under, cancellation))
        {
            if (losses.Any)
            {
                AppendLostParents(entry.Path);
            }

            var index = Entries.Count;
            Append(new PlannedEntry(entry with { Extents = [] }, Chosen: true));
            AddAttributes(entry, index);
            if (entry.Kind != CatalogEntryKind.File)
            {
                continue;
            }

            long position = 0;
            long data = 0;
            try
            {
                await foreach (var extent in catalog.ReadExtentsAsync(entry, cancellation))
                {
                    if (!extent.IsHole)
                    {
                        Add(extent, new Piece(index, position, extent.Offset, extent.Length));
                    }

                    (position, data) = (position + extent.FileLength, data + extent.Length);
                }
            }
            catch (DamagedDataException damage)
            {
                losses.Note(entry.Path, damage);
                Entries[index] = Entries[index] with { LeftOut = true };
            }

            Entries[index] = Entries[index] with { Length = position, Data = data };
            Bytes += data;
        }
    }

    private void Append(PlannedEntry planned)
    {
        Entries.Add(planned);
        if (planned.Entry.Kind == CatalogEntryKind.Directory)
        {
            _directories.Add(planned.Entry.Path);
        }
    }

    /// <summary>Directories that the catalog does not tell of any more, though what is in them is there: for their owner alone.</summary>
    private void AppendLostParents(CatalogPath path)
    {
        var lost = new Stack<CatalogPath>();
        for (var parent = path.Parent; !parent.IsRoot && !_directories.Contains(parent); parent = parent.Parent)
        {
            lost.Push(parent);
        }

        foreach (var parent in lost)
        {
            Append(new PlannedEntry(
                new CatalogEntry
                {
                    Path = parent,
                    Kind = CatalogEntryKind.Directory,
                    Mode = 0x1C0,
                    UserId = Libc.EffectiveUser(),
                    GroupId = Libc.EffectiveGroup(),
                },
                Chosen: false));
        }
    }

    private void AddAttributes(CatalogEntry entry, int index)
    {
        long position = 0;
        foreach (var extent in entry.AttributeExtents)
        {
            Add(extent, new Piece(index, position, extent.Offset, extent.Length, IsAttribute: true));
            position += extent.Length;
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
/// <param name="Length">Bytes of its content, holes included.</param>
/// <param name="Data">Bytes of its content that are in chunks.</param>
/// <param name="LeftOut">Not restored after all.</param>
/// <param name="IsOtherName">A further name of a file that is restored: it becomes a link.</param>
internal readonly record struct PlannedEntry(
    CatalogEntry Entry, bool Chosen, long Length = 0, long Data = 0, bool LeftOut = false, bool IsOtherName = false)
{
    /// <summary>Bytes of its encoded extended attributes that are in chunks.</summary>
    public int AttributeBytes => Entry.AttributeExtents.Sum(extent => extent.Length);
}
