using BackupPlatform.Agent.Home;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Tests;

public sealed class HomeLockTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task GivenManyBackupsAtOnce_WhenTheyRememberTheirHeads_ThenNoneIsLostAndNoneGoesBack()
    {
        var writers = Enumerable.Range(0, 8).Select(number => Task.Run(() =>
        {
            for (var sequence = 1; sequence <= 5; sequence++)
            {
                Home().RaiseHead($"item-{number}", new Head(sequence, [(byte)number]));
                Home().RaiseHead("shared", new Head((sequence * 8) + number, [(byte)number]));
            }
        }));
        await Task.WhenAll(writers);

        var heads = Home().Heads;
        Assert.Equal(9, heads.Count);
        Assert.All(Enumerable.Range(0, 8), number => Assert.Equal(5, heads[$"item-{number}"].Sequence));
        Assert.Equal(47, heads["shared"].Sequence);
    }

    [Fact]
    public void GivenAnOlderHead_WhenRemembered_ThenTheNewerOneStays()
    {
        Home().RaiseHead("files", new Head(5, [5]));
        Home().RaiseHead("files", new Head(4, [4]));
        Assert.Equal(5, Home().Heads["files"].Sequence);
    }

    [Fact]
    public void GivenAnotherAgentOfTheHomeThatSawANewerPoint_WhenAnAnswerFromBeforeComes_ThenItIsNoRegress()
    {
        Home().RaiseHead("files", new Head(5, Manifest.Hash("five"u8)));
        var memory = new HeadMemory(Home());
        Home().RaiseHead("files", new Head(6, Manifest.Hash("six"u8)));
        memory.CheckSequence("files", 5);
        Assert.Equal(7, Assert.Throws<AgentException>(() => new HeadMemory(Home()).CheckSequence("files", 5)).ExitStatus);
    }

    [Fact]
    public void GivenABackupOfAnItem_WhenAnotherBegins_ThenItIsRefusedForThatItemAlone()
    {
        using (Home().LockItem("files"))
        {
            var refused = Assert.Throws<AgentException>(() => Home().LockItem("files"));
            Assert.Equal((1, "busy"), (refused.ExitStatus, refused.Code));
            Home().LockItem("other").Dispose();
        }

        Home().LockItem("files").Dispose();
    }

    private AgentHome Home() => AgentHome.Locate(_folder.At("home"), _ => null, root: false);
}
