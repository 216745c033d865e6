using System.Text.Json;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>What takes more than one machine, and what ends or changes one.</summary>
public sealed class ElsewhereTests(SharedPlatform platform)
{
    [Fact]
    public async Task GivenCredentialsAndPassphrase_WhenReadingFromAMachineThatIsNotRegistered_ThenEverythingIsThereAndNothingIsWrittenToItsHome()
    {
        using var machine = await MachineAsync();
        var point = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;
        var (other, how) = await ElsewhereAsync(machine, machine.PassphraseFile);

        Assert.Equal(point, (await other.RunAsync(["points", .. how])).Expect().OfType("point").Single().GetProperty("id").GetString());
        (await other.RunAsync(["ls", "latest", "--recursive", .. how])).Expect();
        Assert.Equal(point, (await other.RunAsync(["find", "two.txt", .. how])).Expect().OfType("entry").Single().GetProperty("point").GetString());
        Assert.Equal(0, (await other.RunAsync(["diff", point, "latest", .. how])).Expect().Summary.GetProperty("changed").GetInt32());
        Assert.Equal("two"u8.ToArray(), (await other.RunAsync(["dump", "latest", machine.Source + "/sub/two.txt", .. how])).Expect().Output);
        (await other.RunAsync(["verify", "latest", "--read-data", .. how])).Expect();
        var target = machine.NewFolder("elsewhere");
        var summary = (await other.RunAsync(["restore", "latest", "--target", target, .. how])).Expect().Summary;
        TreeComparer.AssertSame(machine.Source, target + machine.Source, TreeAspects.Mode | TreeAspects.Owner | TreeAspects.Modified);
        Assert.Equal(1, summary.GetProperty("sequence").GetInt64());
        Assert.True(summary.GetProperty("ageSeconds").GetInt64() >= 0);
        Assert.False(Directory.Exists(other.Home));
    }

    [Fact]
    public async Task GivenAWrongPassphraseOrNoCredentials_WhenReadingElsewhere_ThenItIsRefusedWithItsOwnStatus()
    {
        using var machine = await MachineAsync();
        await machine.BackUpAsync();
        var wrong = Path.Combine(machine.NewFolder("wrong"), "passphrase");
        File.WriteAllText(wrong, "not the passphrase");
        var (other, how) = await ElsewhereAsync(machine, wrong);
        Assert.Equal("wrong-passphrase", (await other.RunAsync(["points", .. how])).Expect(6).Failure.GetProperty("code").GetString());

        var tampered = File.ReadAllText(how[3]).Replace("<VaultName>vault", "<VaultName>other", StringComparison.Ordinal);
        File.WriteAllText(how[3], tampered);
        how[5] = machine.PassphraseFile;
        Assert.Equal("credentials-invalid", (await other.RunAsync(["points", .. how])).Expect(5).Failure.GetProperty("code").GetString());
    }

    [Fact]
    public async Task GivenAMachineThatIsTakenOver_WhenBothGoOn_ThenTheNewOneBacksUpAndTheOldOneIsRefused()
    {
        using var machine = await MachineAsync();
        await machine.BackUpAsync();
        var (other, how) = await ElsewhereAsync(machine, machine.PassphraseFile);
        var taken = (await other.RunAsync(
            "register", "--credentials", how[3], "--name", "box", "--generate-passphrase", "--passphrase-out", how[3] + ".pass")).Expect(1);
        Assert.Equal("machine-exists", taken.Failure.GetProperty("code").GetString());
        Assert.Contains("--replace", taken.Failure.GetProperty("message").GetString());

        string[] replace = ["register", "--credentials", how[3], "--replace", "box", "--passphrase-file", machine.PassphraseFile];
        Assert.Equal(machine.MachineId, (await other.RunAsync(replace)).Expect().Summary.GetProperty("machineId").GetString());

        File.WriteAllText(Path.Combine(machine.Source, "three.txt"), "three");
        var summary = (await other.RunAsync("backup", machine.Source)).Expect().Summary;
        Assert.Equal(2, summary.GetProperty("sequence").GetInt64());
        Assert.Equal(2, summary.GetProperty("filesUnmodified").GetInt64());
        Assert.Equal("unauthenticated", (await machine.Agent.RunAsync("backup", machine.Source)).Expect(5).Failure.GetProperty("code").GetString());
    }

    [Fact]
    public async Task GivenAChangedPassphrase_WhenItsAnswerWasLost_ThenTheSameCommandEndsItAndTheNewOneAloneOpens()
    {
        using var machine = await MachineAsync();
        await machine.BackUpAsync();
        var folder = machine.NewFolder("passphrases");
        var (state, next) = (Path.Combine(machine.Agent.Home, "machine.json"), Path.Combine(folder, "new"));
        string[] change = ["passphrase", "change", "--passphrase-file", machine.PassphraseFile, "--generate-passphrase", "--passphrase-out", next];
        var before = File.ReadAllBytes(state);
        (await machine.Agent.RunAsync(change)).Expect();

        // As if the machine had stopped before it heard that it was done.
        File.WriteAllBytes(state, before);
        (await machine.Agent.RunAsync(change)).Expect();

        var (other, how) = await ElsewhereAsync(machine, machine.PassphraseFile);
        (await other.RunAsync(["points", .. how])).Expect(6);
        how[5] = next;
        (await other.RunAsync(["restore", "latest", "--target", machine.NewFolder("restored"), .. how])).Expect();
        (await machine.Agent.RunAsync("passphrase", "change", "--passphrase-file", machine.PassphraseFile, "--new-passphrase-file", how[5] + "-no")).Expect(2);
        (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString();
        (await other.RunAsync(["verify", "latest", "--read-data", .. how])).Expect();
    }

    [Fact]
    public async Task GivenAMachine_WhenItUnregisters_ThenItsKeysAreGoneAndItsPointsStayWithThePassphrase()
    {
        using var machine = await MachineAsync();
        await machine.BackUpAsync();
        Assert.True((await machine.Agent.RunAsync("unregister")).Expect().Summary.GetProperty("unregistered").GetBoolean());
        Assert.False((await machine.Agent.RunAsync("unregister")).Expect().Summary.GetProperty("unregistered").GetBoolean());
        Assert.DoesNotContain(Directory.GetFiles(machine.Agent.Home), file => file.EndsWith(".json", StringComparison.Ordinal));
        (await machine.Agent.RunAsync("backup", machine.Source)).Expect(1);

        var (other, how) = await ElsewhereAsync(machine, machine.PassphraseFile);
        (await other.RunAsync(["restore", "latest", "--target", machine.NewFolder("restored"), .. how])).Expect();
    }

    [Fact]
    public async Task GivenTwoAgentsOfOneHome_WhenTheyBackUpDifferentItems_ThenBothSucceedAndNoneSeesARegress()
    {
        using var machine = await MachineAsync();
        for (var round = 0; round < 2; round++)
        {
            string[] items = ["one", "two", "three"];
            var runs = await Task.WhenAll(items.Select(item => machine.Agent.RunAsync("backup", "--item", item, machine.Source)));
            Assert.All(runs, run => run.Expect());
        }
    }

    [Fact]
    public async Task GivenStreams_WhenBackedUp_ThenTheyComeBackAndAFailedCommandLeavesNoPoint()
    {
        using var machine = await MachineAsync();
        var content = new byte[3_000_000];
        new Random(Seed).NextBytes(content);
        using var input = new MemoryStream(content);
        (await machine.Agent.RunAsync(["backup", "--stdin-name", "stream.bin", "--limit-upload", "4M"], input, CancellationToken.None)).Expect();
        Assert.Equal(content, (await machine.Agent.RunAsync("dump", "latest", "stream.bin", "--item", "stream.bin")).Expect().Output);

        (await machine.Agent.RunAsync("backup", "--command", "dump.sql", "--", "sh", "-c", "echo hello")).Expect();
        var failed = (await machine.Agent.RunAsync("backup", "--command", "dump.sql", "--", "sh", "-c", "echo bad; echo why >&2; exit 3")).Expect(1);
        Assert.Contains("status 3", failed.Failure.GetProperty("message").GetString());
        Assert.Contains("why", failed.Error);
        Assert.Equal("hello\n"u8.ToArray(), (await machine.Agent.RunAsync("dump", "latest", "dump.sql", "--item", "dump.sql")).Expect().Output);
        Assert.Equal(2, (await machine.Operator.RecoveryPointsAsync(machine.MachineId)).Count);
    }

    [Fact]
    public async Task GivenTwoPoints_WhenCompared_ThenWhatChangedIsToldAndFoundByVersion()
    {
        using var machine = await MachineAsync();
        var first = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;
        File.WriteAllText(Path.Combine(machine.Source, "sub/two.txt"), "TWO");
        File.SetLastWriteTimeUtc(Path.Combine(machine.Source, "one.txt"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        File.WriteAllText(Path.Combine(machine.Source, "sub/three.txt"), "three");
        var second = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;

        var lines = (await machine.Agent.RunAsync("diff", first, second)).Expect().OfType("entry").ToDictionary(
            line => line.GetProperty("path").GetString()![machine.Source.Length..], line => line);
        Assert.Equal("added", lines["/sub/three.txt"].GetProperty("change").GetString());
        Assert.Equal(["mtime"], Changes(lines["/one.txt"]));
        Assert.Contains("content", Changes(lines["/sub/two.txt"]));

        var versions = (await machine.Agent.RunAsync("find", "sub/*.txt")).Expect().OfType("entry")
            .Select(line => (Path.GetFileName(line.GetProperty("path").GetString()), line.GetProperty("point").GetString()));
        Assert.Equal([("three.txt", second), ("two.txt", second), ("two.txt", first)], versions);

        static IEnumerable<string?> Changes(JsonElement line) => line.GetProperty("changes").EnumerateArray().Select(change => change.GetString());
    }

    private const int Seed = 20_261_122;

    private async Task<ProtectedMachine> MachineAsync()
    {
        var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(Path.Combine(machine.Source, "sub"));
        File.WriteAllText(Path.Combine(machine.Source, "one.txt"), "one");
        File.WriteAllText(Path.Combine(machine.Source, "sub/two.txt"), "two");
        return machine;
    }

    /// <summary>An agent without a registration, and the options with which it reads the machine's points.</summary>
    private async Task<(AgentProcess Agent, string[] How)> ElsewhereAsync(ProtectedMachine machine, string passphraseFile)
    {
        var folder = machine.NewFolder(Path.GetRandomFileName());
        var credentials = await machine.Operator.DownloadCredentialsAsync(machine.VaultId, folder);
        return (
            platform.Agent(Path.Combine(folder, "home")),
            ["--machine", "box", "--credentials", credentials, "--passphrase-file", passphraseFile]);
    }
}
