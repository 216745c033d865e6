using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Catalog;

public sealed class CatalogMergeTests : IDisposable
{
    private readonly KeyRing _keys = TestKeys.Ring();

    public void Dispose() => _keys.Dispose();

    [Theory]
    [InlineData(1, 500)]
    [InlineData(2, 6000)]
    [InlineData(7, 6000)]
    public async Task GivenManyCatalogs_WhenMerged_ThenEveryEntryOfEachComesOnceInOrder(int catalogs, int count)
    {
        var random = Randomness.Create();
        var (store, histories, roots) = await HistoryAsync(random, catalogs, count);

        var merged = await new CatalogMerge(_ => store, roots, passOverShared: false).ReadAsync().ToListAsync();

        Assert.Equal(merged.Select(entry => entry.Path).Order(), merged.Select(entry => entry.Path));
        Assert.Equal(merged.Select(entry => entry.Path).Distinct().Count(), merged.Count);
        for (var number = 0; number < catalogs; number++)
        {
            var its = merged.SelectMany(entry => entry.Versions).Where(version => version.Catalogs.Contains(number)).Select(version => version.Entry);
            Assert.Equal(histories[number], its);
        }
    }

    [Fact]
    public async Task GivenManyCatalogs_WhenMerged_ThenASharedPageIsReadOnce()
    {
        var random = Randomness.Create();
        var (store, _, roots) = await HistoryAsync(random, 8, 6000);
        var distinct = new HashSet<ChunkId>();
        foreach (var root in roots) distinct.UnionWith(await new CatalogReader(store, root).ReadPageIdsAsync().ToListAsync());
        var before = store.Reads;

        await new CatalogMerge(_ => store, roots, passOverShared: false).ReadAsync().CountAsync();

        Assert.Equal(distinct.Count, store.Reads - before);
    }

    [Fact]
    public async Task GivenTwoCatalogs_WhenComparedWithoutWhatTheyShare_ThenTheDifferencesAreThoseOfAFullScanAndFewPagesAreRead()
    {
        var random = Randomness.Create();
        var (store, histories, roots) = await HistoryAsync(random, 2, 30_000);
        var expected = histories[0].Except(histories[1]).Concat(histories[1].Except(histories[0])).Select(entry => entry.Path).Distinct().Order();
        var before = store.Reads;

        var merged = await new CatalogMerge(_ => store, roots, passOverShared: true).ReadAsync().ToListAsync();

        var differing = merged.Where(entry => entry.Versions.Count == 1 ? entry.Versions[0].Catalogs.Count == 1 : entry.Versions[0].Entry != entry.Versions[1].Entry);
        Assert.Equal(expected, differing.Select(entry => entry.Path));
        Assert.True(store.Reads - before < store.Pages.Count / 2, $"{store.Reads - before} of {store.Pages.Count} pages were read");
    }

    [Fact]
    public async Task GivenTheSameCatalogTwice_WhenComparedWithoutWhatTheyShare_ThenNothingIsRead()
    {
        var (store, _, roots) = await HistoryAsync(Randomness.Create(), 1, 3000);
        var before = store.Reads;
        Assert.Empty(await new CatalogMerge(_ => store, [roots[0], roots[0]], passOverShared: true).ReadAsync().ToListAsync());
        Assert.Equal(before, store.Reads);
    }

    /// <summary>Catalogs of which each differs a little from the one before.</summary>
    private async Task<(PageStore Store, List<List<CatalogEntry>> Histories, List<CatalogRoot> Roots)> HistoryAsync(
        Random random, int catalogs, int count)
    {
        var store = new PageStore();
        var histories = new List<List<CatalogEntry>>();
        var roots = new List<CatalogRoot>();
        var entries = RandomTree.Entries(random, count, maxExtents: 2);
        for (var number = 0; number < catalogs; number++)
        {
            histories.Add(entries);
            roots.Add(await store.WriteAsync(_keys, entries));
            entries = [.. entries];
            for (var change = 0; change < 5; change++)
            {
                var at = random.Next(entries.Count);
                if (random.Next(3) == 0) entries.RemoveAt(at);
                else entries[at] = entries[at] with { Mode = (uint)random.Next() };
            }
        }
        return (store, histories, roots);
    }
}
