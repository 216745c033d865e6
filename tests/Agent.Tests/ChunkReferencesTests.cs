using BackupPlatform.Agent.Backup;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Tests;

public class ChunkReferencesTests
{
    [Fact]
    public void GivenABaseAndANewPoint_WhenCompared_ThenTheDifferenceIsSortedAndOnlyUnknownChunksAreOffered()
    {
        var references = new ChunkReferences(new HashSet<ChunkId> { Id(2) });
        references.AddBase(Id(1));
        references.AddBase(Id(2));
        references.AddBase(Id(9));
        references.AddBase(Id(8));
        Assert.False(references.MustOffer(Id(1)));
        Assert.True(references.MustOffer(Id(2)));
        Assert.True(references.MustOffer(Id(6)));
        Assert.False(references.MustOffer(Id(6)));
        foreach (byte id in new byte[] { 1, 2, 7, 5, 5 })
        {
            references.AddNew(Id(id));
        }

        Assert.Equal([Id(5), Id(7)], references.Added());
        Assert.Equal([Id(8), Id(9)], references.Dropped());
        Assert.Equal(4, references.New.Count);

        var hash = default(ChunkSetHash);
        foreach (var id in new[] { Id(7), Id(5), Id(2), Id(1) })
        {
            hash.Add(id);
        }

        Assert.Equal(hash, references.SetHash());
    }

    private static ChunkId Id(byte first) => new([first, .. new byte[ChunkId.Size - 1]]);
}
