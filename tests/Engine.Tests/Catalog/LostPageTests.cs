namespace BackupPlatform.Engine.Tests.Catalog;

/// <summary>What is left of a catalog when pages of it are damaged.</summary>
public sealed class LostPageTests : IDisposable
{
    private readonly KeyRing _keys = TestKeys.Ring();

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task GivenDamagedPages_WhenRead_ThenExactlyWhatTheyHeldIsToldAndAllElseIsThere()
    {
        var random = Randomness.Create();
        var entries = RandomTree.Entries(random, 4_000);
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, entries);
        var below = store.Pages.Keys.Where(id => id != root.PageId).ToArray();
        Assert.True(root.Height > 0 && below.Length > 3);
        for (var round = 0; round < 30; round++)
        {
            var pages = new PageStore();
            foreach (var (id, page) in store.Pages) pages.Pages.Add(id, page);
            foreach (var id in random.GetItems(below, 1 + random.Next(3))) pages.Pages[id] = [1, 2, 3];
            var losses = new List<CatalogLoss>();
            var reader = new CatalogReader(pages, root) { Lost = losses.Add };

            var read = new List<CatalogPath>();
            await foreach (var entry in reader.ReadAsync()) read.Add(entry.Path);

            Assert.NotEmpty(losses);
            var told = losses.ToArray();
            var expected = entries.Select(entry => entry.Path).Where(path => !Array.Exists(told, loss => IsLost(path, loss)));
            Assert.Equal(expected, read);

            // From the middle, too, and as the ids of pages.
            var from = entries[random.Next(entries.Count)].Path;
            read.Clear();
            await foreach (var entry in reader.ReadFromAsync(from)) read.Add(entry.Path);
            Assert.Equal(expected.Where(path => path.CompareTo(from) >= 0), read);
            await foreach (var _ in reader.ReadPageIdsAsync()) { }

            await Assert.ThrowsAsync<DamagedDataException>(async () =>
            {
                await foreach (var _ in new CatalogReader(pages, root).ReadAsync()) { }
            });
        }
    }

    private static bool IsLost(CatalogPath path, CatalogLoss loss) =>
        path.CompareTo(loss.From) >= 0 && (loss.Before is not { } before || path.CompareTo(before) < 0);
}
