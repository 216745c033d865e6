using BackupPlatform.Formats;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>The main job on the real platform, with the real agent and real files.</summary>
public sealed class MainJobTests(SharedPlatform platform, ITestOutputHelper output)
{
    [Fact]
    public async Task GivenAnAwkwardTree_WhenBackedUpChangedAndRestored_ThenIdentical()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        var seed = Seed.New(output.WriteLine);

        var files = SmallTree.Write(machine.Source, seed);

        var first = await machine.BackUpAsync();
        // Symbolic links count as files too.
        Assert.InRange(first.GetProperty("filesTotal").GetInt64(), files, files + 20);
        Assert.Equal(first.GetProperty("filesTotal").GetInt64(), first.GetProperty("filesNew").GetInt64());
        Assert.Empty(first.GetProperty("errors").EnumerateArray());
        await machine.RestoreAndCompareAsync();

        File.WriteAllText(Path.Combine(machine.Source, "text/log.txt"), "another text");
        File.Delete(Path.Combine(machine.Source, "many/07"));
        File.WriteAllBytes(Path.Combine(machine.Source, "many/new"), seed.Bytes(70_000, 5));
        Directory.Move(Path.Combine(machine.Source, "twins"), Path.Combine(machine.Source, "triplets"));
        var second = await machine.BackUpAsync();
        Assert.Equal(1, second.GetProperty("filesChanged").GetInt64());
        await machine.RestoreAndCompareAsync();

        (await machine.Agent.RunAsync("verify", "latest")).Expect();
        (await machine.Agent.RunAsync("verify", first.GetProperty("recoveryPointId").GetString()!, "--read-data")).Expect();
    }

    [Fact]
    public async Task GivenNothingChanged_WhenBackedUpAgain_ThenNextToNothingIsSent()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        await machine.BackUpAsync();

        var unchanged = await machine.BackUpAsync();

        // The folder of temporary files, a parent of the source, changes all the time: a page of the catalog or two.
        Assert.InRange(unchanged.GetProperty("chunksNew").GetInt64(), 0, 4);
        Assert.InRange(unchanged.GetProperty("bytesUploaded").GetInt64(), 0, 200_000);
        Assert.Equal(unchanged.GetProperty("filesTotal").GetInt64(), unchanged.GetProperty("filesUnmodified").GetInt64());
    }

    [Fact]
    public async Task GivenTheCacheIsGone_WhenBackedUpAgain_ThenNothingIsReadOrSentAgain()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        await machine.BackUpAsync();
        Directory.Delete(Path.Combine(machine.Agent.Home, "cache"), recursive: true);

        var unchanged = await machine.BackUpAsync();

        Assert.InRange(unchanged.GetProperty("bytesUploaded").GetInt64(), 0, 200_000);
        Assert.Equal(unchanged.GetProperty("filesTotal").GetInt64(), unchanged.GetProperty("filesUnmodified").GetInt64());
    }

    [Fact]
    public async Task GivenAPoint_WhenListedAndRestoredInPart_ThenThatPartAlone()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var id = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;

        var point = Assert.Single((await machine.Agent.RunAsync("points")).Expect().OfType("point"));
        Assert.Equal(id, point.GetProperty("id").GetString());
        Assert.Equal("files", point.GetProperty("item").GetString());

        var entries = (await machine.Agent.RunAsync("ls", id[..13], Path.Combine(machine.Source, "twins"))).Expect().OfType("entry");
        Assert.Equal(
            [Path.Combine(machine.Source, "twins/one"), Path.Combine(machine.Source, "twins/two")],
            entries.Select(entry => entry.GetProperty("path").GetString()));

        var target = machine.NewFolder("part");
        (await machine.Agent.RunAsync("restore", "latest", Path.Combine(machine.Source, "twins"), "--target", target)).Expect();
        Assert.Equal(["twins"], Directory.EnumerateFileSystemEntries(target + machine.Source).Select(Path.GetFileName));
        TreeComparer.AssertSame(Path.Combine(machine.Source, "twins"), Path.Combine(target + machine.Source, "twins"));
    }

    [Fact]
    public async Task GivenAFileThatCannotBeRestoredOver_WhenRestoringAgain_ThenTheConflictModeDecides()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        await machine.BackUpAsync();
        var target = machine.NewFolder("target");
        var restored = Path.Combine(target + machine.Source, "text/log.txt");
        (await machine.Agent.RunAsync("restore", "latest", "--target", target)).Expect();
        File.WriteAllText(restored, "mine");

        (await machine.Agent.RunAsync("restore", "latest", "--target", target)).Expect(1);
        Assert.Equal("mine", File.ReadAllText(restored));
        (await machine.Agent.RunAsync("restore", "latest", "--target", target, "--on-conflict", "skip")).Expect();
        Assert.Equal("mine", File.ReadAllText(restored));
        (await machine.Agent.RunAsync("restore", "latest", "--target", target, "--on-conflict", "overwrite", "--verify")).Expect();
        TreeComparer.AssertSame(machine.Source, target + machine.Source);
    }

    /// <param name="position">In the largest frame of all, which is one of files' content: in its chunk id, in its length, in its data.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(32 + 3)]
    [InlineData(100_000)]
    public async Task GivenADamagedPack_WhenVerifiedAndRestored_ThenSevenTheFilesItHitsAreNamedAndTheOthersRestored(int position)
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var files = (await machine.BackUpAsync()).GetProperty("filesTotal").GetInt64();
        var (pack, frame) = await LargestFrameAsync(machine);
        FlipByte(pack, frame + position);

        var verified = (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect(7);
        Assert.Contains(machine.Source, string.Concat(verified.Lines.Select(line => line.GetRawText())), StringComparison.Ordinal);

        var restored = (await machine.Agent.RunAsync("restore", "latest", "--target", machine.NewFolder("target"))).Expect(7).Summary;
        var errors = restored.GetProperty("errors").GetArrayLength();
        Assert.InRange(errors, 1, files - 1);
        Assert.InRange(restored.GetProperty("filesRestored").GetInt64() + errors, files - 10, files);
    }

    [Fact]
    public async Task GivenABitFlippedAnywhereInAPack_WhenVerifiedAndRestored_ThenSevenItIsNamedAndWhatIsNotNamedIsTheSame()
    {
        const int Flips = 6;
        var seed = Seed.New(output.WriteLine);
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, seed);
        await machine.BackUpAsync();
        var packs = Packs(machine);
        for (var i = 0; i < Flips; i++)
        {
            // A catalog that is here would not be read from the vault.
            var cache = Path.Combine(machine.Agent.Home, "cache");
            if (Directory.Exists(cache)) Directory.Delete(cache, recursive: true);
            // Behind the header, which no reader needs: of data chunks in one half of the cases, of the catalog in the other.
            var pack = packs.OrderBy(file => new FileInfo(file).Length).ElementAt(i % 2 == 0 ? packs.Length - 1 : 0);
            var length = new FileInfo(pack).Length;
            var position = i % 2 == 0 ? seed.Random.NextInt64(16, length) : length - 1 - seed.Random.NextInt64(length / 8);
            FlipByte(pack, position);
            output.WriteLine($"{pack} at {position}");

            var verified = (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect(7);
            Assert.Contains("damaged", string.Concat(verified.Lines.Select(line => line.GetRawText())), StringComparison.Ordinal);
            var target = machine.NewFolder($"target-{i}");
            var restored = (await machine.Agent.RunAsync("restore", "latest", "--target", target)).Expect(7);
            foreach (var file in Directory.EnumerateFiles(target, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).LinkTarget is null))
            {
                Assert.Equal(File.ReadAllBytes(file[target.Length..]), File.ReadAllBytes(file));
            }

            FlipByte(pack, position);
        }

        await machine.RestoreAndCompareAsync();
    }

    private string[] Packs(ProtectedMachine machine) => Directory.GetFiles(
        Path.Combine(platform.Endpoints.Storage[0], "vaults", $"{machine.VaultId}", "machines", machine.MachineId, "packs"));

    private async Task<(string Pack, long Offset)> LargestFrameAsync(ProtectedMachine machine)
    {
        var (largest, found) = (0, (Pack: "", Offset: 0L));
        foreach (var pack in Packs(machine))
        {
            await using var file = File.OpenRead(pack);
            var offset = file.Position = SegmentFormat.HeaderSize;
            for (var frames = new FrameReader(file); await frames.ReadAsync(TestContext.Current.CancellationToken); offset += frames.Current.FrameLength)
            {
                if (frames.Current.SealedLength > largest) (largest, found) = (frames.Current.SealedLength, (pack, offset));
            }
        }

        return found;
    }

    private static void FlipByte(string path, long position)
    {
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var file = File.Open(path, FileMode.Open);
        file.Position = position;
        var value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 1));
    }
}
