using System.Text.Json;
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

    [Fact]
    public async Task GivenAnOrdinaryUser_WhenBackingUpAndRestoring_ThenWhatHeMayNotIsNamedAndTheRestIsDone()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        var agent = await AsOrdinaryUserAsync(machine);
        var source = Directory.CreateDirectory(machine.Source).FullName;
        File.WriteAllText(Path.Combine(source, "mine"), "content");
        File.WriteAllText(Path.Combine(source, "root's"), "content");
        File.WriteAllText(Path.Combine(source, "secret"), "content");
        Directory.CreateDirectory(Path.Combine(source, "closed"));
        File.WriteAllText(Path.Combine(source, "closed/inside"), "content");
        await RunAsync("chown", "65534:65534", Path.Combine(source, "mine"));
        File.SetUnixFileMode(Path.Combine(source, "secret"), UnixFileMode.None);
        File.SetUnixFileMode(Path.Combine(source, "closed"), UnixFileMode.None);

        var backup = (await agent.RunAsync("backup", source)).Expect(3).Summary;
        Assert.Equal(
            [("closed", "not-listed"), ("secret", "unreadable")],
            Errors(backup).Select(error => (Path.GetFileName(error.Path), error.Code)).Order());
        Assert.Equal(2, backup.GetProperty("filesTotal").GetInt64());

        var target = machine.NewFolder("target");
        await RunAsync("chown", "65534:65534", target);
        var restored = (await agent.RunAsync("restore", "latest", "--target", target, "--verify")).Expect(3).Summary;
        var error = Assert.Single(Errors(restored));
        Assert.Equal("owner-not-set", error.Code);
        Assert.Equal(2, restored.GetProperty("filesRestored").GetInt64());
        Assert.Equal("content", File.ReadAllText(Path.Combine(target + source, "root's")));

        // A file of his own comes back as it was.
        var only = machine.NewFolder("only");
        await RunAsync("chown", "65534:65534", only);
        (await agent.RunAsync("restore", "latest", Path.Combine(source, "mine"), "--target", only)).Expect();
    }

    [Fact]
    public async Task GivenPatternsAndACache_WhenBackedUp_ThenTheyAreLeftOut()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        foreach (var file in new[] { "a.tmp", "keep.tmp", "b.txt", "build/x", "docs/c.pdf", "docs/deep/c.pdf" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(machine.Source, file))!);
            File.WriteAllText(Path.Combine(machine.Source, file), "content");
        }

        var rules = Path.Combine(machine.NewFolder("rules"), "rules");
        File.WriteAllText(rules, "# rules\n*.tmp\nbuild/\n");
        (await machine.Agent.RunAsync(
            "backup", machine.Source, "--exclude-file", rules, "--exclude", "!keep.tmp", "--exclude", "docs/*.pdf")).Expect();
        var entries = (await machine.Agent.RunAsync("ls", "latest", machine.Source, "--recursive")).Expect().OfType("entry");
        Assert.Equal(
            ["b.txt", "docs", "docs/deep", "docs/deep/c.pdf", "keep.tmp"],
            entries.Select(entry => Path.GetRelativePath(machine.Source, entry.GetProperty("path").GetString()!)));
        Assert.Equal(2, (await machine.Agent.RunAsync("backup", machine.Source, "--exclude", "[a")).ExitCode);
    }

    private static IEnumerable<(string Path, string Code)> Errors(JsonElement summary) => summary.GetProperty("errors").EnumerateArray()
        .Select(error => (error.GetProperty("path").GetString()!, error.GetProperty("code").GetString()!));

    /// <summary>The same agent and home, run by nobody.</summary>
    private async Task<AgentProcess> AsOrdinaryUserAsync(ProtectedMachine machine)
    {
        var folder = machine.NewFolder("nobody");
        await RunAsync("chmod", "0755", Path.GetDirectoryName(folder)!);
        var program = Path.Combine(folder, "agent");
        await RunAsync("cp", "-r", Path.GetDirectoryName(platform.Endpoints.Agent)!, Path.Combine(folder, "bin"));
        var executable = Path.Combine(folder, "bin", Path.GetFileName(platform.Endpoints.Agent));
        File.WriteAllText(program, $"#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups '{executable}' \"$@\"\n");
        await RunAsync("chmod", "-R", "a+rX", folder);
        await RunAsync("chmod", "0755", program);
        await RunAsync("chown", "-R", "65534:65534", machine.Agent.Home);
        return new AgentProcess(
            program, machine.Agent.Home, new Dictionary<string, string?> { ["BACKUP_PLATFORM_CLOCK"] = null, ["DOTNET_ENVIRONMENT"] = "Production" });
    }

    private static Task<string> RunAsync(params string[] command) =>
        GuardedProcess.RunAsync(command, cancellationToken: TestContext.Current.CancellationToken);
}
