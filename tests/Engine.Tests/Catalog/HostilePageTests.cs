using System.Buffers.Binary;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Catalog;

/// <summary>Pages are authenticated before they are parsed; a parser that trusts nothing is the second line.</summary>
public sealed class HostilePageTests : IDisposable
{
    private readonly KeyRing _keys = TestKeys.Ring();

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task GivenAPageWithAnyByteChangedOrMissing_WhenParsed_ThenItIsRefusedOrAnotherValidPage()
    {
        var random = Randomness.Create();
        var (_, bytes) = await OnePageAsync(RandomTree.Entries(random, 20));
        for (var at = 0; at < bytes.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                bytes[at] ^= (byte)(1 << bit);
                ParseQuietly(bytes);
                bytes[at] ^= (byte)(1 << bit);
            }
        }
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<DamagedDataException>(() => CatalogPage.Parse(default, bytes.AsSpan(0, length)));
        }
        Assert.Throws<DamagedDataException>(() => CatalogPage.Parse(default, [.. bytes, 0]));
    }

    [Fact]
    public void GivenRandomBytesBehindAGoodHeader_WhenParsed_ThenNothingButARefusalComes()
    {
        var random = Randomness.Create();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = random.Bytes(20 + random.Next(100));
            "BPCP\u0001"u8.CopyTo(bytes);
            bytes[5] = (byte)random.Next(3);
            bytes.AsSpan(6, 14).Clear();
            bytes[8] = (byte)random.Next(5);
            bytes[12] = (byte)random.Next(5);
            ParseQuietly(bytes);
        }
    }

    [Fact]
    public async Task GivenASealedPageWithAnyByteChanged_WhenOpened_ThenRefused()
    {
        using var sealer = new ChunkSealer(_keys);
        var (id, page) = await OnePageAsync(RandomTree.Entries(Randomness.Create(), 3));
        var buffer = new byte[page.Length + ChunkSealer.Overhead];
        var bytes = buffer[..sealer.Seal(ChunkKind.Catalog, id, page, buffer)];
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 1;
            Assert.Throws<DamagedDataException>(() => sealer.Open(ChunkKind.Catalog, id, bytes, new byte[page.Length]));
            bytes[at] ^= 1;
        }
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(9, false)]
    [InlineData(1_000_000, true)]
    [InlineData(1_000_001, false)]
    public async Task GivenAFieldOfALaterAgent_WhenParsed_ThenACriticalOneIsRefusedAndAnAncillaryOnePassedOver(uint tag, bool critical)
    {
        var entry = new CatalogEntry { Path = CatalogPath.FromText("d"), Kind = CatalogEntryKind.Directory };
        var (_, bytes) = await OnePageAsync([entry]);
        var writer = new ByteWriter();
        writer.Bytes(bytes.AsSpan(0, bytes.Length - 1));
        writer.VarInt(1);
        writer.VarInt(tag);
        writer.Block("value"u8);
        var later = writer.Written.ToArray();
        if (critical)
        {
            var refusal = Assert.Throws<UnsupportedFormatException>(() => CatalogPage.Parse(default, later));
            Assert.Contains($"field {tag}", refusal.Message, StringComparison.Ordinal);
            return;
        }
        Assert.Equal(entry, Assert.Single(CatalogPage.Parse(default, later).Leaves).Entry);
    }

    [Theory]
    [InlineData(4, 2)] // version
    [InlineData(25, 9)] // kind of the first entry
    [InlineData(26, 0x80)] // flags of the first entry
    public async Task GivenAPageOfALaterFormat_WhenParsed_ThenItSaysSo(int at, byte value)
    {
        var (_, bytes) = await OnePageAsync([new CatalogEntry { Path = CatalogPath.FromText("d"), Kind = CatalogEntryKind.Directory }]);
        bytes[at - (at > 20 ? 1 : 0)] = value;
        Assert.Throws<UnsupportedFormatException>(() => CatalogPage.Parse(default, bytes));
    }

    [Fact]
    public async Task GivenARootThatDoesNotFitItsPage_WhenRead_ThenRefused()
    {
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, RandomTree.Entries(Randomness.Create(), 10_000));
        foreach (var bad in new[]
                 {
                     root with { Height = root.Height + 1 }, root with { Height = root.Height - 1 }, root with { Entries = root.Entries + 1 },
                     root with { Height = -1 }, root with { Height = 33 },
                 })
        {
            var reader = new CatalogReader(store, bad);
            await Assert.ThrowsAsync<DamagedDataException>(async () => await reader.ReadAsync().CountAsync());
            await Assert.ThrowsAsync<DamagedDataException>(async () => await reader.FindAsync(CatalogPath.Root));
        }
    }

    [Fact]
    public async Task GivenPagesThatWereExchanged_WhenTheCatalogIsRead_ThenRefused()
    {
        var random = Randomness.Create();
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, RandomTree.Entries(random, 10_000));
        for (var round = 0; round < 30; round++)
        {
            var (one, two) = (store.Emitted[random.Next(store.Emitted.Count)], store.Emitted[random.Next(store.Emitted.Count)]);
            if (one == two) continue;
            (store.Pages[one], store.Pages[two]) = (store.Pages[two], store.Pages[one]);
            await Assert.ThrowsAsync<DamagedDataException>(async () => await new CatalogReader(store, root).ReadAsync().CountAsync());
            (store.Pages[one], store.Pages[two]) = (store.Pages[two], store.Pages[one]);
        }
    }

    [Fact]
    public async Task GivenAPageThatRefersToItself_WhenRead_ThenItsHeightRefusesIt()
    {
        var store = new PageStore();
        var root = await store.WriteAsync(_keys, RandomTree.Entries(Randomness.Create(), 10_000));
        var page = store.Pages[root.PageId];
        var children = CatalogPage.Parse(root.PageId, page).Children;
        var at = page.AsSpan().IndexOf(children[0].Page.ToByteArray());
        root.PageId.CopyTo(page.AsSpan(at));
        var reader = new CatalogReader(store, root);
        await Assert.ThrowsAsync<DamagedDataException>(async () => await reader.ReadAsync().CountAsync());
    }

    [Theory]
    [InlineData(0, 0)] // no continuation at all
    [InlineData(1, 10)] // one that is too short
    [InlineData(2, 256)] // one whose ordinal leaves a gap
    public async Task GivenAFileWhoseExtentsAreNotAllThere_WhenTheyAreRead_ThenRefused(int ordinal, int count)
    {
        var random = Randomness.Create();
        var path = CatalogPath.FromText("f");
        var extents = RandomTree.Extents(random, CatalogEntry.MaxInlineExtents + 256);
        var entry = new CatalogEntry { Path = path, Kind = CatalogEntryKind.File, Size = extents.Sum(e => (long)e.Length) };
        PageStore store = new();
        var pages = new CatalogPageBuilder(0, 0);
        var body = new ByteWriter();
        CatalogRecords.WriteEntry(body, entry, extents.AsSpan()[..CatalogEntry.MaxInlineExtents], continues: true);
        pages.Append(new CatalogKey(path.Bytes, 0), body.Written, 1);
        body.Clear();
        CatalogRecords.WriteExtents(body, extents.AsSpan().Slice(CatalogEntry.MaxInlineExtents, count));
        if (ordinal > 0) pages.Append(new CatalogKey(path.Bytes, ordinal), body.Written, 0);
        await store.Emit(default, pages.Take());
        var reader = new CatalogReader(store, new CatalogRoot(default, 0, 1));
        await Assert.ThrowsAsync<DamagedDataException>(
            async () => await reader.ReadExtentsAsync((await reader.FindAsync(path))!).CountAsync());
    }

    [Fact]
    public async Task GivenACountFarBeyondThePage_WhenParsed_ThenRefusedBeforeAnythingIsAllocated()
    {
        var (_, bytes) = await OnePageAsync(RandomTree.Entries(Randomness.Create(), 3));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), uint.MaxValue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DamagedDataException>(() => CatalogPage.Parse(default, bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 0x00 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 })]
    [InlineData(new byte[] { 0x80 })]
    public void GivenANumberThatIsTooLongOrCutOff_WhenRead_ThenRefused(byte[] bytes) =>
        Assert.Throws<DamagedDataException>(() => new ByteReader(bytes, "number").VarInt());

    [Fact]
    public void GivenNumbers_WhenWrittenAndRead_ThenTheyAreTheSame()
    {
        var random = Randomness.Create();
        var writer = new ByteWriter();
        for (var i = 0; i < 10_000; i++)
        {
            var unsigned = (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            var signed = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            writer.Clear();
            writer.VarInt(unsigned);
            writer.ZigZag(signed);
            writer.ZigZag(long.MinValue);
            writer.VarInt(ulong.MaxValue);
            var reader = new ByteReader(writer.Written, "number");
            Assert.Equal(unsigned, reader.VarInt());
            Assert.Equal(signed, reader.ZigZag());
            Assert.Equal(long.MinValue, reader.ZigZag());
            Assert.Equal(ulong.MaxValue, reader.VarInt());
            Assert.True(reader.AtEnd);
        }
    }

    private static void ParseQuietly(byte[] bytes)
    {
        try
        {
            CatalogPage.Parse(default, bytes);
        }
        catch (Exception refusal) when (refusal is DamagedDataException or UnsupportedFormatException)
        {
        }
    }

    private async Task<(ChunkId Id, byte[] Bytes)> OnePageAsync(List<CatalogEntry> entries)
    {
        var store = new PageStore();
        // Few enough entries for one page, unless a boundary falls among them; then the first page serves.
        await store.WriteAsync(_keys, entries);
        return (store.Emitted[0], store.Pages[store.Emitted[0]]);
    }
}
