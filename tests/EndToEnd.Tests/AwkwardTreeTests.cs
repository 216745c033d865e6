using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Everything that Linux keeps, through the real agent and the real platform. As root.</summary>
public sealed class AwkwardTreeTests(SharedPlatform platform, ITestOutputHelper output)
{
    [Fact]
    public async Task GivenEverythingThatLinuxKeeps_WhenBackedUpAndRestored_ThenNothingDiffers()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        var tree = AwkwardTree.Write(machine.Source, Seed.New(output.WriteLine));

        var first = await machine.BackUpAsync();
        Assert.Equal(tree.Files, first.GetProperty("filesTotal").GetInt64());
        Assert.InRange(first.GetProperty("bytesUploaded").GetInt64(), 1, 40 << 20);
        var second = await machine.BackUpAsync();
        Assert.Equal(tree.Files, second.GetProperty("filesUnmodified").GetInt64());
        Assert.InRange(second.GetProperty("chunksNew").GetInt64(), 0, 4);
        (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect();

        var target = machine.NewFolder("target");
        var restored = (await machine.Agent.RunAsync("restore", "latest", "--target", target, "--verify")).Expect().Summary;
        Assert.Equal(tree.Files, restored.GetProperty("filesRestored").GetInt64());
        TreeComparer.AssertSame(machine.Source, target + machine.Source);

        // Onto itself: what is there is replaced, hard links among it.
        string[] parts = [.. new[] { "links", "special", "attributes", "modes" }.Select(part => Path.Combine(machine.Source, part))];
        (await machine.Agent.RunAsync(["restore", "latest", .. parts, "--target", target, "--on-conflict", "overwrite", "--verify"])).Expect();
        // But for what is a link to one of these elsewhere, which was left as it is.
        TreeComparer.AssertSame(machine.Source, target + machine.Source, TreeAspects.All & ~TreeAspects.HardLinks);
    }
}
