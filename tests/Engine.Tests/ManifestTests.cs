using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests;

public sealed class ManifestTests
{
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    [InlineData(true, 200)]
    public void GivenAManifest_WhenSealedAndOpened_ThenEveryFieldIsTheSame(bool hasPrevious, int sources)
    {
        var random = Randomness.Create();
        using var keys = TestKeys.Ring();
        var manifest = Sample(random) with
        {
            PreviousHash = hasPrevious ? random.Bytes(32) : default,
            Sources = [.. Enumerable.Range(0, sources).Select(i => CatalogPath.FromText($"srv/source {i}"))],
        };
        var again = Manifest.Open(keys, manifest.Item, manifest.Sequence, manifest.Seal(keys));
        Assert.Equal(manifest.PreviousHash.ToArray(), again.PreviousHash.ToArray());
        Assert.Equal(manifest.Sources, again.Sources.AsEnumerable());
        Assert.Equal(
            manifest with { PreviousHash = default, Sources = [] }, again with { PreviousHash = default, Sources = [] });
    }

    [Fact]
    public void GivenASealedManifestWithOneByteChangedOrMissing_WhenOpened_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        var manifest = Sample(Randomness.Create());
        var bytes = manifest.Seal(keys);
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 2;
            var refusal = Assert.ThrowsAny<Exception>(() => Manifest.Open(keys, manifest.Item, manifest.Sequence, bytes));
            Assert.True(refusal is DamagedDataException || (at == 7 && refusal is UnsupportedFormatException));
            bytes[at] ^= 2;
        }
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<DamagedDataException>(() => Manifest.Open(keys, manifest.Item, manifest.Sequence, bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void GivenAManifestOfAnotherMachineItemOrSequence_WhenOpened_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        using var otherMachine = TestKeys.Ring(TestKeys.OtherMachineId);
        var manifest = Sample(Randomness.Create());
        var bytes = manifest.Seal(keys);
        Assert.Throws<DamagedDataException>(() => Manifest.Open(keys, "other", manifest.Sequence, bytes));
        Assert.Throws<DamagedDataException>(() => Manifest.Open(keys, manifest.Item, manifest.Sequence + 1, bytes));
        var refusal = Assert.Throws<DamagedDataException>(() => Manifest.Open(otherMachine, manifest.Item, manifest.Sequence, bytes));
        Assert.Contains("recovery point 42 of item files", refusal.What, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => manifest.Seal(otherMachine));
    }

    [Fact]
    public void GivenManifestsOfSlightlyDifferentContent_WhenSealed_ThenTheirLengthsTellNothing()
    {
        using var keys = TestKeys.Ring();
        var manifest = Sample(Randomness.Create());
        var longer = manifest with { HostName = manifest.HostName + "-with-more", FilesTotal = manifest.FilesTotal * 1000 };
        Assert.Equal(manifest.Seal(keys).Length, longer.Seal(keys).Length);
    }

    [Fact]
    public void GivenMoreThanAManifestHolds_WhenSealed_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        var manifest = Sample(Randomness.Create());
        var path = CatalogPath.FromText(new string('x', 10_000));
        Assert.Throws<ArgumentException>(() => (manifest with { Sources = [.. Enumerable.Repeat(path, 7)] }).Seal(keys));
        Assert.Throws<ArgumentException>(() => (manifest with { Item = "" }).Seal(keys));
        Assert.Throws<ArgumentException>(() => (manifest with { Sequence = 0 }).Seal(keys));
        Assert.Throws<ArgumentException>(() => (manifest with { PreviousHash = new byte[31] }).Seal(keys));
        Assert.Throws<ArgumentException>(() => (manifest with { FilesTotal = -1 }).Seal(keys));
    }

    private static Manifest Sample(Random random) => new()
    {
        MachineId = TestKeys.MachineId,
        Item = "files",
        Sequence = 42,
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(1_000_000_000_000, 2_000_000_000_000)),
        Root = new CatalogRoot(random.ChunkId(), 2, 123_456),
        FilesTotal = 100_000,
        BytesTotal = random.NextInt64(long.MaxValue),
        EntriesIncomplete = 3,
        AgentVersion = "1.0.0",
        HostName = "ann's machine",
    };
}
