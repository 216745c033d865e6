namespace BackupPlatform.Engine.Tests.Chunks;

public sealed class ContentDefinedChunkerTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public void GivenRandomData_WhenCut_ThenLengthsAreInRangeAndTheirAverageIsRight()
    {
        using var keys = TestKeys.Ring();
        var data = Randomness.Create().Bytes(128 * MiB);
        var lengths = Cut(new ContentDefinedChunker(keys), data);
        Assert.Equal(data.Length, lengths.Sum());
        Assert.All(lengths[..^1], l => Assert.InRange(l, ContentDefinedChunker.MinLength, ContentDefinedChunker.MaxLength));
        Assert.InRange(lengths.Average(), 0.85 * ContentDefinedChunker.AverageLength, 1.15 * ContentDefinedChunker.AverageLength);
    }

    [Fact]
    public void GivenData_WhenBytesAreInsertedInTheMiddle_ThenOnlyTheChunksAroundThemChange()
    {
        var random = Randomness.Create();
        using var keys = TestKeys.Ring();
        var chunker = new ContentDefinedChunker(keys);
        var before = random.Bytes(32 * MiB);
        for (var round = 0; round < 5; round++)
        {
            var at = random.Next(before.Length);
            byte[] after = [.. before[..at], .. random.Bytes(random.Next(1, 1000)), .. before[at..]];
            var known = Chunks(chunker, before).ToHashSet();
            var added = Chunks(chunker, after).Count(c => !known.Contains(c));
            // Boundaries meet again after 2 chunks on the average, and after more than 8 once in a thousand times.
            Assert.InRange(added, 1, 20);
        }
    }

    [Fact]
    public void GivenZeros_WhenCut_ThenEachChunkHasTheGreatestOrTheLeastLengthAndAllAreAlike()
    {
        using var keys = TestKeys.Ring();
        var lengths = Cut(new ContentDefinedChunker(keys), new byte[20 * MiB]);
        Assert.Single(lengths[..^1].Distinct());
    }

    [Fact]
    public void GivenTwoMachines_WhenTheSameDataIsCut_ThenBoundariesDiffer()
    {
        using var one = TestKeys.Ring();
        using var master = MasterKey.Generate();
        using var two = new KeyRing(master, TestKeys.MachineId);
        var data = Randomness.Create().Bytes(16 * MiB);
        Assert.NotEqual(Cut(new ContentDefinedChunker(one), data), Cut(new ContentDefinedChunker(two), data));
    }

    [Fact]
    public void GivenALargerBuffer_WhenCut_ThenTheCutIsTheSame()
    {
        using var keys = TestKeys.Ring();
        var chunker = new ContentDefinedChunker(keys);
        var data = Randomness.Create().Bytes(8 * MiB);
        var cut = chunker.FindCut(data, endOfData: true);
        Assert.Equal(cut, chunker.FindCut(data.AsSpan(0, ContentDefinedChunker.MaxLength), endOfData: false));
        Assert.Equal(cut, chunker.FindCut(data.AsSpan(0, cut + 1), endOfData: true));
        Assert.Equal(cut, chunker.FindCut(data.AsSpan(0, cut), endOfData: true));
    }

    [Theory]
    [InlineData(0, true, 0)]
    [InlineData(0, false, 0)]
    [InlineData(1, true, 1)]
    [InlineData(ContentDefinedChunker.MinLength, true, ContentDefinedChunker.MinLength)]
    [InlineData(ContentDefinedChunker.MaxLength - 1, false, 0)]
    public void GivenLittleData_WhenCut_ThenItIsOneChunkOrMoreIsAskedFor(int length, bool endOfData, int expected)
    {
        using var keys = TestKeys.Ring();
        Assert.Equal(expected, new ContentDefinedChunker(keys).FindCut(new byte[length], endOfData));
    }

    [Fact]
    public void GivenThePlainDefinition_WhenCompared_ThenTheFastLoopFindsTheSameBoundaries()
    {
        using var keys = TestKeys.Ring();
        var data = Randomness.Create().Bytes(16 * MiB);
        var expected = new List<int>();
        for (var at = 0; at < data.Length; at += expected[^1]) expected.Add(Defined(keys, data.AsSpan(at)));
        Assert.Equal(expected, Cut(new ContentDefinedChunker(keys), data));
    }

    /// <summary>The boundary as FORMAT.md defines it, without any haste.</summary>
    private static int Defined(KeyRing keys, ReadOnlySpan<byte> data)
    {
        var end = Math.Min(data.Length, ContentDefinedChunker.MaxLength);
        var hash = 0UL;
        for (var length = 1; length < end; length++)
        {
            hash = (hash << 1) + keys.Gear[data[length - 1]];
            if (length < ContentDefinedChunker.MinLength) continue;
            if (hash >> (64 - (length < ContentDefinedChunker.NormalLength ? 21 : 17)) == 0) return length;
        }
        return end;
    }

    private static List<int> Cut(ContentDefinedChunker chunker, ReadOnlySpan<byte> data)
    {
        var lengths = new List<int>();
        while (chunker.FindCut(data, endOfData: true) is var length && length > 0)
        {
            lengths.Add(length);
            data = data[length..];
        }
        return lengths;
    }

    private static IEnumerable<string> Chunks(ContentDefinedChunker chunker, byte[] data)
    {
        var at = 0;
        foreach (var length in Cut(chunker, data))
        {
            yield return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(data.AsSpan(at, length)));
            at += length;
        }
    }
}
