using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Catalog;

/// <summary>Alone, because it looks at the memory of the whole process.</summary>
[Collection(nameof(CatalogMemoryTests))]
[CollectionDefinition(nameof(CatalogMemoryTests), DisableParallelization = true)]
public sealed class CatalogMemoryTests
{
    [Fact]
    public async Task Given200000Entries_WhenWrittenAndReadAsAStream_ThenMemoryIsThatOfAFewPages()
    {
        using var keys = TestKeys.Ring();
        var folder = Directory.CreateTempSubdirectory("catalog");
        try
        {
            var pages = new PagesOnDisk(folder.FullName);
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var writer = new CatalogWriter(keys, pages.Emit);
            long most = 0;
            for (var i = 0; i < 200_000; i++)
            {
                var path = CatalogPath.FromText($"srv/data/{i / 1000:D4}/a file with a rather long name {i:D8}.txt");
                await writer.AppendAsync(RandomTree.Entry(new Random(i), path, 1));
                if (i % 40_000 == 0) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
            var root = await writer.FinishAsync();
            Assert.Equal(200_000, root.Entries);

            var read = 0;
            await foreach (var entry in new CatalogReader(pages, root).ReadAsync())
            {
                if (read++ % 40_000 == 0) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
            Assert.Equal(200_000, read);
            Assert.InRange(most, 0, 8 * 1024 * 1024);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class PagesOnDisk(string folder) : ICatalogPages
    {
        public async ValueTask Emit(ChunkId id, ReadOnlyMemory<byte> page) => await File.WriteAllBytesAsync(Path.Combine(folder, id.ToString()), page);

        public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken) =>
            await File.ReadAllBytesAsync(Path.Combine(folder, id.ToString()), cancellationToken);
    }
}
