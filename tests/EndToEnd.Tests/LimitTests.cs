using System.Text.Json;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Limits as an agent meets them, on a platform whose operator has set one.</summary>
public sealed class LimitTests(LimitTests.SmallPlatform platform) : IClassFixture<LimitTests.SmallPlatform>
{
    [Fact]
    public async Task GivenThreeBackupsToday_WhenAFourthIsMade_ThenExitFourUntilTomorrow_AndTheSixthPointIsRefusedBeforeAnyUpload()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(machine.Source);
        try
        {
            // At noon of the machine's zone, so that the day does not change in between.
            await platform.SetClockAsync(System.Xml.XmlConvert.ToString(NextNoon() - TimeProvider.System.GetUtcNow()));
            for (var i = 0; i < 3; i++) await machine.BackUpAsync();
            Assert.Equal("daily-backup-limit", await RefusedAsync(machine));

            await platform.SetClockAsync(System.Xml.XmlConvert.ToString(NextNoon().AddDays(1) - TimeProvider.System.GetUtcNow()));
            for (var i = 0; i < 2; i++) await machine.BackUpAsync();
            var jobs = await JobsAsync(machine);
            Assert.Equal("recovery-point-limit", await RefusedAsync(machine));
            Assert.Equal(jobs, await JobsAsync(machine));

            // Another item has a count of its own.
            (await machine.Agent.RunAsync("backup", machine.Source, "--item", "other")).Expect();
        }
        finally
        {
            await platform.SetClockAsync("PT0S");
        }
    }

    private static DateTimeOffset NextNoon()
    {
        var local = TimeProvider.System.GetLocalNow();
        var noon = new DateTimeOffset(local.Date.AddDays(1).AddHours(12), local.Offset);
        return noon.ToUniversalTime();
    }

    private static async Task<string?> RefusedAsync(ProtectedMachine machine)
    {
        // Something to send: it must not be sent.
        var noise = new byte[1 << 20];
        Random.Shared.NextBytes(noise);
        File.WriteAllBytes(Path.Combine(machine.Source, "noise"), noise);
        var refused = (await machine.Agent.RunAsync("backup", machine.Source)).Expect(4);
        File.Delete(Path.Combine(machine.Source, "noise"));
        return refused.Failure.GetProperty("code").GetString();
    }

    private static async Task<int> JobsAsync(ProtectedMachine machine)
    {
        JsonElement jobs = await machine.Operator.GetAsync($"api/machines/{machine.MachineId}/jobs");
        return jobs.GetProperty("items").GetArrayLength();
    }

    public sealed class SmallPlatform() : PlatformProcess([], new Dictionary<string, string?> { ["Limits__RecoveryPointsPerItem"] = "5" });
}
