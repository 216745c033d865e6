using BackupPlatform.Agent.Backup;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Tests;

public sealed class FileExtentsTests : IDisposable
{
    private readonly MasterKey _masterKey = MasterKey.Generate();
    private readonly KeyRing _keys;
    private readonly Dictionary<ChunkId, byte[]> _chunks = [];

    public FileExtentsTests() => _keys = new KeyRing(_masterKey, Guid.Empty);

    public void Dispose()
    {
        _keys.Dispose();
        _masterKey.Dispose();
    }

    [Fact]
    public async Task GivenFilesOfManySizes_WhenCut_ThenTheirExtentsGiveThemBack()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        int[] sizes = [0, 1, 100, FileExtents.SmallFile - 1, FileExtents.SmallFile, FileExtents.SmallFile + 1, 700_000, 9_000_000, 3, 60_000];
        var contents = Contents();
        var files = new List<(byte[] Content, List<Extent> Extents)>();
        foreach (var size in sizes)
        {
            var content = new byte[size];
            random.NextBytes(content);
            var extents = new List<Extent>();
            Assert.Equal(size, await contents.AddAsync(Source(content, random), extents));
            files.Add((content, extents));
        }

        await contents.CutAsync();
        Assert.False(contents.HasWaiting);
        Assert.All(files, file => Assert.True(
            file.Content.AsSpan().SequenceEqual(file.Extents.SelectMany(Bytes).ToArray()), $"seed {seed}, {file.Content.Length} bytes"));
    }

    [Fact]
    public async Task GivenManySmallFiles_WhenCut_ThenTheyShareFewChunks()
    {
        var contents = Contents();
        var extents = new List<Extent>();
        for (var i = 0; i < 1000; i++)
        {
            await contents.AddAsync(Source([.. BitConverter.GetBytes(i), .. new byte[3000]], new Random(i)), extents);
        }

        await contents.CutAsync();
        Assert.Equal(1000, extents.Count);
        Assert.InRange(_chunks.Count, 5, 7);
    }

    [Fact]
    public async Task GivenSmallFiles_WhenTheirChunkIsNotCut_ThenTheyWait()
    {
        var contents = Contents();
        var extents = new List<Extent>();
        await contents.AddAsync(Source([1, 2, 3], new Random(1)), extents);
        Assert.True(contents.HasWaiting);
        Assert.Equal(default, Assert.Single(extents));
        await contents.CutAsync();
        Assert.Equal(3, Assert.Single(extents).Length);
    }

    private FileExtents Contents() => new(_keys, (id, content) =>
    {
        _chunks[id] = content.ToArray();
        return ValueTask.CompletedTask;
    });

    private IEnumerable<byte> Bytes(Extent extent) => _chunks[extent.Chunk].Skip(extent.Offset).Take(extent.Length);

    /// <summary>Gives a content in portions of any size, as a file system may.</summary>
    private static Func<Memory<byte>, int> Source(byte[] content, Random random)
    {
        var position = 0;
        return space =>
        {
            var count = Math.Min(Math.Min(space.Length, content.Length - position), random.Next(1, 300_000));
            content.AsMemory(position, count).CopyTo(space);
            position += count;
            return count;
        };
    }
}
