using System.Runtime.CompilerServices;

namespace BackupPlatform.Engine;

/// <summary>An entry, and the catalogs that have it.</summary>
/// <param name="Catalogs">Numbers of catalogs, ascending.</param>
public sealed record CatalogVersion(CatalogEntry Entry, IReadOnlyList<int> Catalogs);

/// <summary>What some catalogs have at a path.</summary>
/// <param name="Versions">
/// At least one, in the order of the first catalog that has it. Catalogs that share a page are in one version; equal entries of
/// different pages stand in several.
/// </param>
public sealed record MergedEntry(CatalogPath Path, IReadOnlyList<CatalogVersion> Versions);

/// <summary>
/// Reads several catalogs of one machine side by side, in path order. A page that catalogs share is read once for all of them,
/// and with <paramref name="passOverShared"/> not at all where every catalog has it. Memory: a page for each level of each
/// catalog at most, those that are shared counting once.
/// </summary>
/// <param name="pages">Where each catalog's pages come from.</param>
/// <param name="roots">At least one.</param>
/// <param name="passOverShared">Whether to leave out what all catalogs have by sharing its page.</param>
public sealed class CatalogMerge(Func<int, ICatalogPages> pages, IReadOnlyList<CatalogRoot> roots, bool passOverShared)
{
    private readonly List<Group> _groups = [];

    public async IAsyncEnumerable<MergedEntry> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < roots.Count; i++)
        {
            if (roots[i].Height is < 0 or > CatalogPage.MaxHeight) throw new DamagedDataException("catalog", "has an impossible height");
            Enter(i, new Frame([new IndexRecord(new CatalogKey(default, 0), roots[i].PageId, roots[i].Entries)], 0, roots[i].Height, null));
        }
        while (_groups.Count > 0)
        {
            // Pages that begin at the key come before records, the higher ones first: so catalogs that share a page meet at it.
            var first = _groups.Min()!;
            if (first.Leaf is null)
            {
                _groups.Remove(first);
                if (passOverShared && first.Members.Count == roots.Count) Leave(first);
                else await OpenAsync(first, cancellationToken);
                continue;
            }
            var here = _groups.FindAll(group => group.Leaf is not null && group.Key.CompareTo(first.Key) == 0);
            if (Merge(here) is { } merged) yield return merged;
            foreach (var group in here) Advance(group);
        }
    }

    private static MergedEntry? Merge(List<Group> groups)
    {
        var versions = new List<CatalogVersion>(groups.Count);
        foreach (var group in groups)
        {
            if (group.Leaf![group.Index].Entry is { } entry) versions.Add(new CatalogVersion(entry, group.Catalogs));
        }
        versions.Sort((left, right) => left.Catalogs[0].CompareTo(right.Catalogs[0]));
        return versions.Count == 0 ? null : new MergedEntry(versions[0].Entry.Path, versions);
    }

    private async ValueTask OpenAsync(Group group, CancellationToken cancellationToken)
    {
        var (catalog, frame) = group.Members[0];
        var record = frame.Record;
        var page = CatalogPage.Parse(record.Page, (await pages(catalog).ReadAsync(record.Page, cancellationToken)).Span);
        if (page.Height != frame.Height || page.Entries != record.Entries)
        {
            throw new DamagedDataException($"catalog page {record.Page}", "has another height or count than what refers to it says");
        }
        foreach (var (member, place) in group.Members) CheckPlace(page, place);
        if (page.Height > 0)
        {
            foreach (var (member, place) in group.Members) Enter(member, new Frame(page.Children, 0, page.Height - 1, place));
        }
        else if (page.Count > 0)
        {
            group.Leaf = page.Leaves;
            _groups.Add(group);
        }
        else
        {
            Leave(group);
        }
    }

    /// <summary>A page holds the keys that the pages above it leave to it: else records would come out of order.</summary>
    private static void CheckPlace(CatalogPage page, Frame place)
    {
        var begins = place.Parent is null || (page.Count > 0 && page.KeyAt(0).CompareTo(place.Record.Key) == 0);
        if (!begins || (place.UpperBound() is { } limit && page.Count > 0 && page.KeyAt(page.Count - 1).CompareTo(limit) >= 0))
        {
            throw new DamagedDataException($"catalog page {place.Record.Page}", "has other records than the page above it says");
        }
    }

    private void Advance(Group group)
    {
        if (++group.Index < group.Leaf!.Length) return;
        _groups.Remove(group);
        Leave(group);
    }

    private void Leave(Group group)
    {
        foreach (var (catalog, frame) in group.Members)
        {
            if (frame.Next() is { } next) Enter(catalog, next);
        }
    }

    /// <summary>Stands a catalog before a page, together with those that are about to read the same one.</summary>
    private void Enter(int catalog, Frame frame)
    {
        var group = _groups.Find(group => group.Leaf is null && group.Members[0].Frame.Record.Page == frame.Record.Page);
        if (group is null) _groups.Add(group = new Group());
        group.Add(catalog, frame);
    }

    /// <summary>A page that is next for some catalogs, or its records where it is a leaf that was opened.</summary>
    private sealed class Group : IComparable<Group>
    {
        private int[]? _catalogs;

        public List<(int Catalog, Frame Frame)> Members { get; } = [];

        public LeafRecord[]? Leaf { get; set; }

        public int Index { get; set; }

        public IReadOnlyList<int> Catalogs => _catalogs ??= [.. Members.Select(member => member.Catalog).Order()];

        public CatalogKey Key => Leaf is null ? Members[0].Frame.Record.Key : Leaf[Index].Key;

        public void Add(int catalog, Frame frame)
        {
            Members.Add((catalog, frame));
            _catalogs = null;
        }

        public int CompareTo(Group? other)
        {
            var order = Key.CompareTo(other!.Key);
            return order != 0 ? order : other.Rank.CompareTo(Rank);
        }

        private int Rank => Leaf is null ? Members[0].Frame.Height : -1;
    }

    /// <summary>A child of an index page, and where that page stands in turn. Never changed, so that catalogs share them.</summary>
    private sealed record Frame(IndexRecord[] Records, int Index, int Height, Frame? Parent)
    {
        public IndexRecord Record => Records[Index];

        /// <summary>The page after this one at this height, or the next one above; null at the end.</summary>
        public Frame? Next() => Index + 1 < Records.Length ? this with { Index = Index + 1 } : Parent?.Next();

        /// <summary>The key that the page after this one begins with.</summary>
        public CatalogKey? UpperBound() => Index + 1 < Records.Length ? Records[Index + 1].Key : Parent?.UpperBound();
    }
}
