using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Tags and expiry of the daily tier, seen through the operator API under a clock that jumps.</summary>
public sealed class RetentionTests(SharedPlatform platform)
{
    [Fact]
    public async Task GivenADailyPoint_WhenItsDaysAreOver_ThenItExpiresAndTheNewestStays()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(machine.Source);
        await machine.BackUpAsync();
        var tagged = await AwaitAsync(machine, points => points is [{ Tags: ["daily"], ExpiresAt: not null }]);
        Assert.InRange(tagged[0].ExpiresAt!.Value - tagged[0].CreatedAt, TimeSpan.FromDays(119), TimeSpan.FromDays(122));

        try
        {
            await platform.SetClockAsync("P20D");
            File.WriteAllText(Path.Combine(machine.Source, "file"), "of a later day");
            await machine.BackUpAsync();
            await AwaitAsync(machine, points => points is [{ Tags: ["daily"] }, { Tags: ["daily"] }]);

            await platform.SetClockAsync("P400D");
            var points = await AwaitAsync(machine, points => points.Any(point => point.State == RecoveryPointState.Expired));

            Assert.Equal([RecoveryPointState.Sealed, RecoveryPointState.Expired], points.Select(point => point.State));
            var refused = (await machine.Agent.RunAsync("restore", $"{tagged[0].Id}", "--target", machine.NewFolder("target"))).Expect(1);
            Assert.Equal("conflict", refused.Failure.GetProperty("code").GetString());
            await machine.RestoreAndCompareAsync();
        }
        finally
        {
            await platform.SetClockAsync("PT0S");
        }
    }

    /// <summary>Newest first, once they are as awaited; fails after half a minute.</summary>
    private static async Task<IReadOnlyList<RecoveryPointDocument>> AwaitAsync(
        ProtectedMachine machine, Func<IReadOnlyList<RecoveryPointDocument>, bool> awaited)
    {
        var patience = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var points = await machine.Operator.RecoveryPointsAsync(machine.MachineId);
            if (awaited(points))
            {
                return points;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(patience) < TimeSpan.FromSeconds(30), string.Join('\n', points));
            await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        }
    }
}
