using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Packs that are gone from the store: verify tells, and the next backup of the same files brings back what was lost.</summary>
public sealed class LostPackTests(SharedPlatform platform, ITestOutputHelper output)
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task GivenLostPacks_WhenBackedUpAgain_ThenTheNewPointIsWhole(bool all, bool cacheToo)
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var first = await machine.BackUpAsync();
        var packs = Packs(machine);
        foreach (var pack in all ? packs : [packs.MaxBy(file => new FileInfo(file).Length)!])
        {
            File.Delete(pack);
        }

        var verified = (await machine.Agent.RunAsync("verify", "latest")).Expect(7);
        output.WriteLine(string.Join('\n', verified.Lines));

        if (cacheToo)
        {
            // Then nobody has the catalog of the point that the next one builds on.
            Directory.Delete(Path.Combine(machine.Agent.Home, "cache"), recursive: true);
        }

        var second = await machine.BackUpAsync();

        Assert.True(second.GetProperty("chunksNew").GetInt64() > 0);
        Assert.Equal(first.GetProperty("filesTotal").GetInt64(), second.GetProperty("filesTotal").GetInt64());
        (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect();
        await machine.RestoreAndCompareAsync();
    }

    private string[] Packs(ProtectedMachine machine) => Directory.GetFiles(
        Path.Combine(platform.Endpoints.Storage[0], "vaults", $"{machine.VaultId}", "machines", machine.MachineId, "packs"));
}
