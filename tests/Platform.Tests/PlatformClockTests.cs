using BackupPlatform.ServiceDefaults;
using BackupPlatform.Testing;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Platform.Tests;

public sealed class PlatformClockTests
{
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData("P3D", 72)]
    [InlineData("-PT2H", -2)]
    [InlineData(" P1Y\n", 365 * 24)]
    [InlineData("nonsense", 0)]
    [InlineData("", 0)]
    public void GivenADurationInAFile_WhenRead_ThenTheClockIsThatFarAhead(string duration, int hours)
    {
        using var folder = new TempFolder("clock");
        File.WriteAllText(folder.Combine("clock"), duration);

        Assert.Equal(hours, Ahead(new PlatformClock(folder.Combine("clock"))).TotalHours, Slack.TotalHours);
    }

    [Fact]
    public async Task GivenTheFileChangesOrComesOrGoes_WhenRead_ThenTheClockFollows()
    {
        using var folder = new TempFolder("clock");
        var file = folder.Combine("clock");
        var clock = new PlatformClock(file);
        Assert.Equal(0, Ahead(clock).TotalHours, Slack.TotalHours);

        File.WriteAllText(file, "P10D");
        await Eventually.HoldsAsync(() => Task.FromResult(Ahead(clock) > TimeSpan.FromDays(9)));
        File.WriteAllText(file, "-P10D");
        await Eventually.HoldsAsync(() => Task.FromResult(Ahead(clock) < TimeSpan.FromDays(-9)));
        File.Delete(file);
        await Eventually.HoldsAsync(() => Task.FromResult(Ahead(clock).Duration() < Slack));
    }

    private static TimeSpan Ahead(PlatformClock clock) => clock.GetUtcNow() - TimeProvider.System.GetUtcNow();
}
