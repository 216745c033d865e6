using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Catalog;

public sealed class CatalogTests : IDisposable
{
    private readonly KeyRing _keys = TestKeys.Ring();

    public void Dispose() => _keys.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(3000)]
    [InlineData(20_000)]
    public async Task GivenARandomTree_WhenWrittenAndRead_ThenEveryEntryIsTheSame(int count)
    {
        var random = Randomness.Create();
        var entries = RandomTree.Entries(random, count);
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, entries);

        Assert.Equal(entries.Count, root.Entries);
        Assert.Equal(entries, await new CatalogReader(store, root).ReadAsync().ToListAsync());
        Assert.All(store.Pages, page => Assert.InRange(page.Value.Length, 0, 256 * 1024));
        Assert.Equal(store.Emitted.Order(), (await new CatalogReader(store, root).ReadPageIdsAsync().ToListAsync()).Order());
        Assert.Equal(root.PageId, store.Emitted[^1]);
    }

    [Fact]
    public async Task GivenARandomTree_WhenSought_ThenTheAnswersAreThoseOfAFullScan()
    {
        var random = Randomness.Create();
        var entries = RandomTree.Entries(random, 8000);
        var store = new PageStore();
        var reader = new CatalogReader(store, await store.WriteAsync(_keys, entries));
        for (var i = 0; i < 200; i++)
        {
            var entry = entries[random.Next(entries.Count)];
            var path = entry.Path;
            Assert.Equal(entry, await reader.FindAsync(path));
            Assert.Null(await reader.FindAsync(path.Child("no such name"u8)));
            Assert.Equal(entries.Where(e => e.Path == path || e.Path.IsUnder(path)), await reader.ReadAsync(path).ToListAsync());
            Assert.Equal(entries.Where(e => e.Path.Parent == path), await reader.ReadChildrenAsync(path).ToListAsync());
            Assert.Equal(entries.Where(e => e.Path >= path).Take(50), await reader.ReadFromAsync(path).Take(50).ToListAsync());
        }
        Assert.Equal(
            entries.Where(e => e.Path.Parent.IsRoot && !e.Path.IsRoot), await reader.ReadChildrenAsync(CatalogPath.Root).ToListAsync());
    }

    [Fact]
    public async Task GivenADirectoryWithLargeSubtrees_WhenItsChildrenAreRead_ThenTheSubtreesAreNot()
    {
        var random = Randomness.Create();
        var entries = new List<CatalogEntry>();
        for (var d = 0; d < 3; d++)
        {
            var directory = CatalogPath.FromText($"d{d}");
            entries.Add(new CatalogEntry { Path = directory, Kind = CatalogEntryKind.Directory });
            for (var f = 0; f < 20_000; f++)
            {
                entries.Add(RandomTree.Entry(random, directory.Child(System.Text.Encoding.ASCII.GetBytes($"f{f:D6}")), 1));
            }
        }
        var store = new PageStore();
        var reader = new CatalogReader(store, await store.WriteAsync(_keys, entries));
        Assert.Equal(["d0", "d1", "d2"], await reader.ReadChildrenAsync(CatalogPath.Root).Select(e => e.Path.ToString()).ToListAsync());
        Assert.InRange(store.Reads, 1, 16);
    }

    [Fact]
    public async Task GivenALargeTree_WhenOneFileChanges_ThenOnePageOfEachLevelIsNew()
    {
        var random = Randomness.Create();
        var entries = RandomTree.Entries(random, 30_000);
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, entries);
        for (var round = 0; round < 10; round++)
        {
            var at = random.Next(entries.Count);
            // A change that keeps the record's length: another could move what a full page of 256 KiB still holds.
            entries[at] = entries[at] with { Mode = entries[at].Mode ^ 1 };
            var known = store.Pages.Keys.ToHashSet();
            root = await store.WriteAsync(_keys, entries);
            Assert.Equal(root.Height + 1, store.Pages.Keys.Count(id => !known.Contains(id)));
        }
    }

    [Fact]
    public async Task GivenALargeTree_WhenFilesComeAndGo_ThenFewPagesAreNew()
    {
        var random = Randomness.Create();
        var entries = RandomTree.Entries(random, 30_000);
        var store = new PageStore();
        await store.WriteAsync(_keys, entries);
        for (var round = 0; round < 10; round++)
        {
            var at = random.Next(entries.Count);
            if (round % 2 == 0) entries.RemoveAt(at);
            else entries.Insert(at + 1, RandomTree.Entry(random, entries[at].Path.Child([1]), 1));
            var known = store.Pages.Keys.ToHashSet();
            var root = await store.WriteAsync(_keys, entries);
            // A boundary may go or come with the file, on any level: then two pages become one, or one two.
            Assert.InRange(store.Pages.Keys.Count(id => !known.Contains(id)), 1, 3 * (root.Height + 1));
        }
    }

    [Fact]
    public async Task GivenTheSameEntries_WhenWrittenTwice_ThenThePagesAreTheSame()
    {
        var entries = RandomTree.Entries(Randomness.Create(), 2000);
        PageStore one = new(), two = new();
        Assert.Equal(await one.WriteAsync(_keys, entries), await two.WriteAsync(_keys, entries));
        Assert.Equal(one.Emitted, two.Emitted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(64 + 256)]
    [InlineData(64 + 256 + 1)]
    [InlineData(50_000)]
    public async Task GivenAFileOfManyExtents_WhenWrittenInPortions_ThenAllComeBackAndItsNeighboursToo(int count)
    {
        var random = Randomness.Create();
        var path = CatalogPath.FromText("big");
        var all = RandomTree.Extents(random, count);
        var entry = RandomTree.Entry(random, path, 0) with
        {
            Kind = CatalogEntryKind.File, LinkTarget = default, DeviceNumber = 0, HardLink = null, Extents = [.. all.Take(random.Next(200))], Size = all.Sum(e => (long)e.Length),
        };
        var before = RandomTree.Entry(random, CatalogPath.FromText("before"), 2);
        var after = RandomTree.Entry(random, CatalogPath.FromText("z"), 2);
        var store = new PageStore();
        var writer = new CatalogWriter(_keys, store.Emit);
        await writer.AppendAsync(before);
        await writer.AppendAsync(entry);
        for (var at = entry.Extents.Length; at < all.Length;)
        {
            var take = Math.Min(random.Next(1, 700), all.Length - at);
            await writer.AppendExtentsAsync(all.AsMemory().Slice(at, take));
            at += take;
        }
        await writer.AppendAsync(after);
        var root = await writer.FinishAsync();

        var reader = new CatalogReader(store, root);
        var found = await reader.FindAsync(path);
        Assert.Equal(all.Take(64), found!.Extents);
        Assert.Equal(count > 64, found.ExtentsContinue);
        Assert.Equal(all, await reader.ReadExtentsAsync(found).ToListAsync());
        Assert.Equal(["before", "big", "z"], await reader.ReadAsync().Select(e => e.Path.ToString()).ToListAsync());
        Assert.Equal(["before", "big", "z"], await reader.ReadChildrenAsync(CatalogPath.Root).Select(e => e.Path.ToString()).ToListAsync());
        Assert.Equal(3, root.Entries);
    }

    [Fact]
    public async Task GivenAFileOfManyExtents_WhenOneInTheMiddleChanges_ThenFewPagesAreNew()
    {
        var random = Randomness.Create();
        var all = RandomTree.Extents(random, 100_000).ToArray();
        var store = new PageStore();
        async Task<CatalogRoot> WriteAsync()
        {
            var file = new CatalogEntry { Path = CatalogPath.FromText("vm"), Kind = CatalogEntryKind.File, Size = all.Sum(e => (long)e.Length) };
            var writer = new CatalogWriter(_keys, store.Emit);
            await writer.AppendAsync(file);
            await writer.AppendExtentsAsync(all);
            return await writer.FinishAsync();
        }
        await WriteAsync();
        var known = store.Pages.Keys.ToHashSet();
        all[50_000] = all[50_000] with { Chunk = random.ChunkId() };
        var root = await WriteAsync();
        Assert.Equal(root.Height + 1, store.Pages.Keys.Count(id => !known.Contains(id)));
    }

    [Fact]
    public async Task GivenEntriesOutOfOrderOrContradictory_WhenAppended_ThenRefused()
    {
        var writer = new CatalogWriter(_keys, (_, _) => ValueTask.CompletedTask);
        var entry = new CatalogEntry { Path = CatalogPath.FromText("b"), Kind = CatalogEntryKind.Directory };
        await writer.AppendAsync(entry);
        Extent extent = new(Randomness.Create().ChunkId(), 0, 10);
        async Task Refused(CatalogEntry bad) => await Assert.ThrowsAsync<ArgumentException>(async () => await writer.AppendAsync(bad));
        await Refused(entry);
        await Refused(entry with { Path = CatalogPath.FromText("a") });
        var next = entry with { Path = CatalogPath.FromText("c") };
        await Refused(next with { Size = 1 });
        await Refused(next with { Extents = [extent] });
        await Refused(next with { LinkTarget = new byte[] { 1 } });
        await Refused(next with { Kind = (CatalogEntryKind)9 });
        var file = next with { Kind = CatalogEntryKind.File };
        await Refused(file with { Size = -1 });
        await Refused(file with { Kind = CatalogEntryKind.SymbolicLink, LinkTarget = new byte[CatalogEntry.MaxLinkTarget + 1] });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.AppendExtentsAsync(new[] { extent }));
        await writer.AppendAsync(file with { Size = 11, Extents = [extent] });
        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.FinishAsync());
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(1, ChunkSealer.MaxPlainLength)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public async Task GivenAnExtentOutsideItsChunk_WhenAppended_ThenRefused(int offset, int length)
    {
        var writer = new CatalogWriter(_keys, (_, _) => ValueTask.CompletedTask);
        var file = new CatalogEntry { Path = CatalogPath.FromText("f"), Kind = CatalogEntryKind.File, Size = Math.Max(0, length) };
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await writer.AppendAsync(file with { Extents = [new Extent(Randomness.Create().ChunkId(), offset, length)] }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task GivenAHoleOfNoLengthOrWhereNoneMayBe_WhenAppended_ThenRefused(long length)
    {
        var writer = new CatalogWriter(_keys, (_, _) => ValueTask.CompletedTask);
        var file = new CatalogEntry { Path = CatalogPath.FromText("f"), Kind = CatalogEntryKind.File, HasHoles = true, Size = length };
        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.AppendAsync(file with { Extents = [Extent.OfHole(length)] }));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await writer.AppendAsync(file with { HasHoles = false, Size = 5, Extents = [Extent.OfHole(5)] }));
    }

    [Fact]
    public async Task GivenAFileOfHolesAlone_WhenWritten_ThenItTakesNoMoreThanItsRecord()
    {
        var store = new PageStore();
        var file = new CatalogEntry
        {
            Path = CatalogPath.FromText("f"), Kind = CatalogEntryKind.File, HasHoles = true, Size = long.MaxValue,
            Extents = [Extent.OfHole(long.MaxValue - 10), Extent.OfHole(10)],
        };
        var root = await store.WriteAsync(_keys, [file]);
        Assert.Equal([file], await new CatalogReader(store, root).ReadAsync().ToListAsync());
        Assert.InRange(store.Pages[root.PageId].Length, 1, 200);
    }

    [Fact]
    public async Task GivenAFileThatCouldNotBeRead_WhenWritten_ThenItsFlagComesBackAndItsSizeNeedNotAddUp()
    {
        var store = new PageStore();
        var file = new CatalogEntry { Path = CatalogPath.FromText("f"), Kind = CatalogEntryKind.File, Size = 1000, Incomplete = true };
        var root = await store.WriteAsync(_keys, [file]);
        Assert.Equal([file], await new CatalogReader(store, root).ReadAsync().ToListAsync());
    }
}
