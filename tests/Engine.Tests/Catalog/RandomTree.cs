using System.Collections.Immutable;
using System.Text;

namespace BackupPlatform.Engine.Tests.Catalog;

/// <summary>Random trees of files, in the order of a walk.</summary>
internal static class RandomTree
{
    /// <summary>Paths as a walk gives them that sorts each directory's names bytewise and enters a directory at once.</summary>
    public static IEnumerable<CatalogPath> Walk(Random random, int count)
    {
        var root = new Node();
        for (var i = 0; i < count; i++)
        {
            var node = root;
            do
            {
                var name = RandomName(random);
                if (!node.Children.TryGetValue(name, out var child)) node.Children.Add(name, child = new Node());
                node = child;
            }
            while (random.Next(3) > 0);
        }
        return Walk(root, CatalogPath.Root);
    }

    public static List<CatalogEntry> Entries(Random random, int count, int maxExtents = 3) =>
        [.. Walk(random, count).Select(path => Entry(random, path, random.Next(maxExtents + 1)))];

    public static CatalogEntry Entry(Random random, CatalogPath path, int extents)
    {
        var entry = new CatalogEntry
        {
            Path = path,
            Kind = (CatalogEntryKind)random.Next(1, 7),
            Mode = (uint)random.Next(),
            UserId = (uint)random.NextInt64(1L << 32),
            GroupId = (uint)random.Next(100),
            ModifiedNanoseconds = random.NextInt64(long.MinValue, long.MaxValue),
            ChangedNanoseconds = random.NextInt64(),
            Inode = (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            Device = (ulong)random.Next(10),
            Attributes = random.Next(8) == 0 ? random.Bytes(random.Next(1, CatalogEntry.MaxInlineAttributes + 1)) : default,
            ModifiedFar = random.Next(8) == 0 ? new FarTime(random.NextInt64(long.MinValue, long.MaxValue), random.Next(1_000_000_000)) : null,
        };
        if (random.Next(8) == 0) entry = entry with { Attributes = default, AttributeExtents = Extents(random, random.Next(1, 5)) };
        if (entry.Kind != CatalogEntryKind.Directory && random.Next(4) == 0)
        {
            entry = entry with { HardLink = new HardLink(random.NextInt64(1, long.MaxValue), random.Next(2) == 0 ? path : path.Parent) };
        }
        return entry.Kind switch
        {
            CatalogEntryKind.File => WithContent(random, entry, extents),
            CatalogEntryKind.SymbolicLink => entry with { LinkTarget = random.Bytes(random.Next(50)) },
            CatalogEntryKind.CharacterDevice or CatalogEntryKind.BlockDevice => entry with { DeviceNumber = (ulong)random.NextInt64() },
            _ => entry,
        };
    }

    public static CatalogEntry WithContent(Random random, CatalogEntry entry, int extents)
    {
        var content = Extents(random, extents);
        var holes = extents > 0 && random.Next(4) == 0;
        if (holes) content = content.SetItem(random.Next(extents), Extent.OfHole(random.NextInt64(1, 1L << 50)));
        return entry with { Kind = CatalogEntryKind.File, Extents = content, HasHoles = holes, Size = content.Sum(e => e.FileLength) };
    }

    public static ImmutableArray<Extent> Extents(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new Extent(random.ChunkId(), random.Next(1 << 20), random.Next(1, 1 << 20)))];

    private static IEnumerable<CatalogPath> Walk(Node node, CatalogPath at)
    {
        foreach (var (name, child) in node.Children)
        {
            var path = at.Child(name);
            yield return path;
            foreach (var below in Walk(child, path)) yield return below;
        }
    }

    private static byte[] RandomName(Random random)
    {
        // Bytes around '/' in value, and its neighbours in meaning, are where an order goes wrong.
        if (random.Next(4) > 0) return Encoding.ASCII.GetBytes($"{"ab-."[random.Next(3)]}{random.Next(30)}");
        var name = random.Bytes(random.Next(1, 4));
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] is 0 or (byte)'/' or (byte)'.') name[i] = (byte)random.Next(1, 0x2e);
        }
        return name;
    }

    private sealed class Node
    {
        public SortedDictionary<byte[], Node> Children { get; } =
            new(Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)));
    }
}
