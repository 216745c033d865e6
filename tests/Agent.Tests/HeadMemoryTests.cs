using BackupPlatform.Agent.Home;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Tests;

public sealed class HeadMemoryTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly HeadMemory _memory;

    public HeadMemoryTests() => _memory = new HeadMemory(AgentHome.Locate(_folder.At("home"), _ => null, root: false));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenAHistory_WhenItGoesOn_ThenItIsAccepted()
    {
        Check(1, "one", previous: null);
        Check(1, "one", previous: null);
        Check(2, "two", previous: "one");
        Check(5, "five", previous: "four");
    }

    [Fact]
    public void GivenANewestPoint_WhenAnOlderOneIsOffered_ThenItIsRefused()
    {
        Check(2, "two", "one");
        Assert.Equal(7, Assert.Throws<AgentException>(() => Check(1, "one", null)).ExitStatus);
        Assert.Equal(7, Assert.Throws<AgentException>(() => _memory.CheckNewest("files", null, default)).ExitStatus);
    }

    [Fact]
    public void GivenANewestPoint_WhenAnotherOfItsNumberIsOffered_ThenItIsRefused()
    {
        Check(2, "two", "one");
        Assert.Equal(7, Assert.Throws<AgentException>(() => Check(2, "other", "one")).ExitStatus);
    }

    [Fact]
    public void GivenANewestPoint_WhenTheNextDoesNotFollowFromIt_ThenItIsRefused()
    {
        Check(2, "two", "one");
        Assert.Equal(7, Assert.Throws<AgentException>(() => Check(3, "three", "other two")).ExitStatus);
        Check(3, "three", "two");
    }

    private void Check(long sequence, string content, string? previous)
    {
        var manifest = new Manifest
        {
            MachineId = Guid.Empty,
            Item = "files",
            Sequence = sequence,
            CreatedAt = DateTimeOffset.UnixEpoch,
            PreviousHash = previous is null ? default(ReadOnlyMemory<byte>) : Hash(previous),
            Root = new CatalogRoot(new ChunkId(new byte[ChunkId.Size]), 0, 0),
        };
        _memory.CheckNewest("files", manifest, System.Text.Encoding.UTF8.GetBytes(content));
    }

    private static byte[] Hash(string content) => Manifest.Hash(System.Text.Encoding.UTF8.GetBytes(content));
}
