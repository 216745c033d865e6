using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance;

/// <summary>What every store promises, see <see cref="IBlobStore"/>. A store's own suite derives from this and says how to get one.</summary>
public abstract class BlobStoreConformance
{
    protected static Seed TheSeed { get; } = Seed.New();

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>An empty store.</summary>
    protected abstract ValueTask<IBlobStore> NewStoreAsync();

    [Fact]
    public async Task GivenAnUpload_WhenNotCommitted_ThenNoCallSeesIt()
    {
        IBlobStore store = await NewStoreAsync();
        await using BlobUpload upload = await store.CreateAsync("vaults/a/packs/1", Cancellation);
        await upload.WriteAsync(Bytes(3 << 20), Cancellation);

        await AssertAbsentAsync(store, "vaults/a/packs/1");

        await upload.CommitAsync(Cancellation);
        Assert.Equal(3 << 20, await store.GetLengthAsync("vaults/a/packs/1", Cancellation));
        Assert.Equal(3 << 20, upload.Length);
    }

    [Fact]
    public async Task GivenAnUpload_WhenDisposedWithoutCommit_ThenNothingStaysAndTheNameIsFree()
    {
        IBlobStore store = await NewStoreAsync();
        await using (BlobUpload upload = await store.CreateAsync("a/b", Cancellation))
        {
            await upload.WriteAsync(Bytes(5 << 20), Cancellation);
        }

        await AssertAbsentAsync(store, "a/b");

        await store.WriteAllAsync("a/b", "second"u8.ToArray(), Cancellation);
        Assert.Equal((byte[])[.. "second"u8], await store.ReadAllAsync("a/b", 100, Cancellation));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 19)]
    [InlineData((4 << 20) - 1)]
    [InlineData(4 << 20)]
    [InlineData((8 << 20) + 3)]
    public async Task GivenBytesOfAnyLength_WhenWritten_ThenTheSameAreRead(int length)
    {
        IBlobStore store = await NewStoreAsync();
        byte[] bytes = Bytes(length);
        await store.WriteAllAsync("blob", bytes, Cancellation);

        Assert.Equal(length, await store.GetLengthAsync("blob", Cancellation));
        byte[]? read = await store.ReadAllAsync("blob", length, Cancellation);
        Assert.True(bytes.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public async Task GivenABlob_WhenItsNameIsCommittedAgain_ThenRefusedAndTheFirstStays()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b", "first"u8.ToArray(), Cancellation);

        var refusal = await Assert.ThrowsAsync<BlobExistsException>(
            () => store.WriteAllAsync("a/b", "second"u8.ToArray(), Cancellation).AsTask());

        Assert.Equal("a/b", refusal.Name);
        Assert.Equal((byte[])[.. "first"u8], await store.ReadAllAsync("a/b", 100, Cancellation));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(5 << 20)]
    public async Task GivenSixteenCommitsOfOneName_WhenTheyRace_ThenExactlyOneWins(int length)
    {
        IBlobStore store = await NewStoreAsync();
        byte[][] contents = [.. Enumerable.Range(0, 16).Select(i => TheSeed.Bytes(length, i))];
        var uploads = new List<BlobUpload>();
        foreach (byte[] content in contents)
        {
            BlobUpload upload = await store.CreateAsync("racing/for/one", Cancellation);
            await upload.WriteAsync(content, Cancellation);
            uploads.Add(upload);
        }
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        bool[] won = await Task.WhenAll(uploads.Select(async upload =>
        {
            await start.Task;
            try
            {
                await upload.CommitAsync(Cancellation);
                return true;
            }
            catch (BlobExistsException)
            {
                return false;
            }
        }).Append(ReleaseAsync(start)).ToArray());
        foreach (BlobUpload upload in uploads) await upload.DisposeAsync();

        int winner = Assert.Single(Enumerable.Range(0, 16), i => won[i]);
        byte[]? read = await store.ReadAllAsync("racing/for/one", length, Cancellation);
        Assert.True(contents[winner].AsSpan().SequenceEqual(read));
        Assert.Equal(["racing/for/one"], await NamesAsync(store, ""));
    }

    [Theory]
    [InlineData(0, 10L, 0, 10)]
    [InlineData(90, 10L, 90, 10)]
    [InlineData(90, 11L, 90, 10)]
    [InlineData(90, null, 90, 10)]
    [InlineData(0, null, 0, 100)]
    [InlineData(50, 0L, 50, 0)]
    [InlineData(100, null, 100, 0)]
    [InlineData(100, 1L, 100, 0)]
    [InlineData(1000, 5L, 100, 0)]
    [InlineData(99, long.MaxValue, 99, 1)]
    public async Task GivenABlobOfHundredBytes_WhenARangeIsRead_ThenItIsThatRange(long offset, long? length, int from, int count)
    {
        IBlobStore store = await NewStoreAsync();
        byte[] bytes = Bytes(100);
        await store.WriteAllAsync("a/b", bytes, Cancellation);

        await using Stream? stream = await store.OpenReadAsync("a/b", offset, length, Cancellation);

        Assert.NotNull(stream);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read, Cancellation);
        Assert.Equal(bytes[from..(from + count)], read.ToArray());
    }

    [Fact]
    public async Task GivenAnEmptyBlob_WhenRead_ThenItIsEmptyAndNotAbsent()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("empty", ReadOnlyMemory<byte>.Empty, Cancellation);

        Assert.Equal(0, await store.GetLengthAsync("empty", Cancellation));
        Assert.Equal(Array.Empty<byte>(), await store.ReadAllAsync("empty", 10, Cancellation));
        Assert.Equal(Array.Empty<byte>(), await store.ReadRangeAsync("empty", 5, 10, Cancellation));
        Assert.Null(await store.ReadRangeAsync("none", 5, 10, Cancellation));
    }

    [Fact]
    public async Task GivenABlobLongerThanAllowed_WhenReadWhole_ThenRefused()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("blob", Bytes(11), Cancellation);

        await Assert.ThrowsAsync<InvalidDataException>(() => store.ReadAllAsync("blob", 10, Cancellation).AsTask());
    }

    [Fact]
    public async Task GivenAHundredMegabytes_WhenWrittenAndReadInPieces_ThenMemoryStaysBounded()
    {
        IBlobStore store = await NewStoreAsync();
        byte[] piece = Bytes(64 << 10);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        await using (BlobUpload upload = await store.CreateAsync("large", Cancellation))
        {
            for (int i = 0; i < 1600; i++)
            {
                piece[0] = (byte)i;
                await upload.WriteAsync(piece, Cancellation);
                if (i % 100 == 99) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
            await upload.CommitAsync(Cancellation);
        }
        await using Stream? stream = await store.OpenReadAsync("large", Cancellation);
        Assert.NotNull(stream);
        var read = new byte[piece.Length];
        for (int i = 0; i < 1600; i++)
        {
            await stream.ReadExactlyAsync(read, Cancellation);
            piece[0] = (byte)i;
            Assert.True(piece.AsSpan().SequenceEqual(read), $"piece {i} differs");
            if (i % 100 == 99) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.Equal(0, await stream.ReadAsync(read, Cancellation));
        Assert.InRange(most, 0, 24 << 20);
    }

    [Fact]
    public async Task GivenBlobs_WhenListed_ThenInOrdinalOrderWithLengthsAndOnlyThosePrefixed()
    {
        IBlobStore store = await NewStoreAsync();
        // '-' and '.' sort before '/', '0' and '_' after it.
        string[] names =
        [
            "b/a-b/1", "b/a.b/1", "b/a/1", "b/a/2", "b/a0/1", "b/a_b", "b/ab/1", "b/a/10", "a", "c", "b/b", "b/a/x/y/z", "aa/1",
        ];
        foreach (string name in names) await store.WriteAllAsync(name, new byte[name.Length], Cancellation);
        await using BlobUpload open = await store.CreateAsync("b/a/0", Cancellation);
        await open.WriteAsync(new byte[10], Cancellation);

        foreach (string prefix in new[] { "", "a", "a/", "b", "b/", "b/a", "b/a/", "b/a/1", "b/a/x", "b/a/x/", "b/a-", "none", "none/none/", "c" })
        {
            string[] expected = [.. names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
            var listed = await store.ListAsync(prefix, Cancellation).ToListAsync(Cancellation);
            Assert.Equal(expected, listed.Select(item => item.Name));
            Assert.All(listed, item => Assert.Equal(item.Name.Length, item.Length));
        }
    }

    [Fact]
    public async Task GivenABlob_WhenDeleted_ThenGoneOnceAndItsNameIsFree()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b", Bytes(10), Cancellation);
        await store.WriteAllAsync("a/c", Bytes(10), Cancellation);

        bool[] deleted = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.DeleteAsync("a/b", Cancellation).AsTask()));

        Assert.Single(deleted, d => d);
        await AssertAbsentAsync(store, "a/b");
        Assert.False(await store.DeleteAsync("never/there", Cancellation));
        Assert.False(await store.DeleteAsync("a", Cancellation));
        Assert.Equal(10, await store.GetLengthAsync("a/c", Cancellation));
        await store.WriteAllAsync("a/b", Bytes(20), Cancellation);
        Assert.Equal(20, await store.GetLengthAsync("a/b", Cancellation));
    }

    [Fact]
    public async Task GivenAFolderOfBlobs_WhenAskedForAsABlob_ThenThereIsNone()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b/c", Bytes(10), Cancellation);

        await AssertAbsentAsync(store, "a/b", alsoAsPrefix: false);
        Assert.Equal(["a/b/c"], await NamesAsync(store, "a/b"));
        await AssertAbsentAsync(store, "a/b/c/d");
    }

    [Theory]
    [MemberData(nameof(OddNames))]
    public async Task GivenAnOddName_WhenUsed_ThenEveryCallRefusesIt(string name)
    {
        IBlobStore store = await NewStoreAsync();

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.CreateAsync(name, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.OpenReadAsync(name, 0, null, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.GetLengthAsync(name, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.DeleteAsync(name, Cancellation));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../")]
    [InlineData("a/../")]
    [InlineData("/")]
    [InlineData("a//")]
    [InlineData("A")]
    [InlineData("a/~uploads/")]
    public async Task GivenAnOddPrefix_WhenListed_ThenRefusedOrEmpty(string prefix)
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b", Bytes(1), Cancellation);
        try
        {
            Assert.Empty(await NamesAsync(store, prefix));
        }
        catch (ArgumentException)
        {
        }
    }

    [Fact]
    public async Task GivenACancelledWrite_WhenCommitted_ThenRefusedAndNothingStays()
    {
        IBlobStore store = await NewStoreAsync();
        using var cancellation = new CancellationTokenSource();
        await using (BlobUpload upload = await store.CreateAsync("a/b", Cancellation))
        {
            await upload.WriteAsync(Bytes(5 << 20), cancellation.Token);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => upload.WriteAsync(Bytes(5 << 20), cancellation.Token).AsTask());
            await Assert.ThrowsAsync<InvalidOperationException>(() => upload.CommitAsync(Cancellation).AsTask());
        }
        await AssertAbsentAsync(store, "a/b");
    }

    [Fact]
    public async Task GivenACancelledCommit_WhenDisposed_ThenNothingStays()
    {
        IBlobStore store = await NewStoreAsync();
        await using (BlobUpload upload = await store.CreateAsync("a/b", Cancellation))
        {
            await upload.WriteAsync(Bytes(5 << 20), Cancellation);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => upload.CommitAsync(new CancellationToken(canceled: true)).AsTask());
        }
        await AssertAbsentAsync(store, "a/b");
    }

    [Fact]
    public async Task GivenACommittedUpload_WhenUsedAgain_ThenRefusedAndTheBlobStays()
    {
        IBlobStore store = await NewStoreAsync();
        BlobUpload upload = await store.CreateAsync("a/b", Cancellation);
        await upload.WriteAsync(Bytes(10), Cancellation);
        await upload.CommitAsync(Cancellation);

        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.WriteAsync(Bytes(1), Cancellation).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.CommitAsync(Cancellation).AsTask());
        await upload.DisposeAsync();
        await upload.DisposeAsync();

        Assert.Equal(10, await store.GetLengthAsync("a/b", Cancellation));
    }

    [Fact]
    public async Task GivenRandomCalls_WhenComparedWithADictionary_ThenTheyAgree()
    {
        IBlobStore store = await NewStoreAsync();
        Random random = TheSeed.Generator(99);
        var model = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        for (int step = 0; step < 150; step++)
        {
            string name = $"m{random.Next(3)}/{(random.Next(2) == 0 ? "packs" : "points")}/{random.Next(6)}";
            switch (random.Next(4))
            {
                case 0 or 1:
                    byte[] bytes = TheSeed.Bytes(random.Next(2000), step);
                    bool taken = model.ContainsKey(name);
                    bool refused = await Record.ExceptionAsync(
                        async () => await store.WriteAllAsync(name, bytes, Cancellation)) is BlobExistsException;
                    Assert.Equal(taken, refused);
                    model.TryAdd(name, bytes);
                    break;
                case 2:
                    Assert.Equal(model.Remove(name), await store.DeleteAsync(name, Cancellation));
                    break;
                default:
                    Assert.Equal(model.GetValueOrDefault(name), await store.ReadAllAsync(name, 2000, Cancellation));
                    break;
            }
        }
        var listed = await store.ListAsync("", Cancellation).ToListAsync(Cancellation);
        Assert.Equal(model.Select(pair => new BlobItem(pair.Key, pair.Value.Length)), listed);
    }

    public static TheoryData<string> OddNames() =>
    [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/./b", "a.", "a/b./c", "A", "a b", "a\\b", "a\0b", "é", "~uploads",
        "a:b", "a?b", "a%b", "a\nb", new string('a', 201), string.Join('/', Enumerable.Repeat("abcdefgh", 58)),
    ];

    protected static byte[] Bytes(int length) => TheSeed.Bytes(length);

    protected static async Task<string[]> NamesAsync(IBlobStore store, string prefix) =>
        await store.ListAsync(prefix, Cancellation).Select(item => item.Name).ToArrayAsync(Cancellation);

    protected static async Task AssertAbsentAsync(IBlobStore store, string name, bool alsoAsPrefix = true)
    {
        Assert.Null(await store.GetLengthAsync(name, Cancellation));
        Assert.Null(await store.OpenReadAsync(name, Cancellation));
        Assert.Null(await store.OpenReadAsync(name, 10, 10, Cancellation));
        if (alsoAsPrefix) Assert.Empty(await NamesAsync(store, name));
    }

    private static Task<bool> ReleaseAsync(TaskCompletionSource start)
    {
        start.SetResult();
        return Task.FromResult(false);
    }
}
