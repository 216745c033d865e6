using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace BackupPlatform.LocalHosting.Tests;

/// <summary>A real host as a process, with one small service.</summary>
public sealed class HostTests
{
    [Fact]
    public async Task GivenAPlatform_WhenItStopsAndStartsAgain_ThenNothingWasLeftAndPortsAndSecretsAreTheSame()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var (mark, endpoints, token) = (platform.Mark, platform.Endpoints.ToJsonString(), (string)platform.Endpoints["operatorToken"]!);

        Assert.Equal(0, await platform.StopAsync());
        Assert.Empty(ProcFs.WithMark(mark));
        Assert.False(File.Exists(Path.Combine(platform.Data, "endpoints.json")));
        Assert.False(File.Exists(Path.Combine(platform.Data, "platform.pid")));

        await platform.StartAsync();
        Assert.Equal(endpoints, platform.Endpoints.ToJsonString());
        Assert.True(token.Length >= 44);
        foreach (var file in new[] { "secrets.json", "endpoints.json" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(platform.Data, file)));
    }

    [Fact]
    public async Task GivenAService_WhenItStarts_ThenItIsToldWhatTheCompositionSays()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var environment = await platform.ServiceEnvironmentAsync();
        var url = (string)platform.Endpoints["fake"]!;

        Assert.Equal(url, environment["ASPNETCORE_URLS"]);
        Assert.Equal(url, environment["services__fake__http__0"]);
        Assert.Equal(url, environment["AgentEndpoints__Registration__0"]);
        Assert.Equal((string)platform.Endpoints["operatorToken"]!, environment["Identity__PlatformOperatorToken"]);
        Assert.Equal(Path.Combine(platform.Data, "stores", "primary-0"), new Uri(environment["ConnectionStrings__blobs"]).LocalPath);
        Assert.Equal("fake", environment["OTEL_SERVICE_NAME"]);
        Assert.StartsWith("service.instance.id=fake-", environment["OTEL_RESOURCE_ATTRIBUTES"], StringComparison.Ordinal);
        Assert.Equal("Development", environment["ASPNETCORE_ENVIRONMENT"]);
        Assert.Equal("Development", environment["DOTNET_ENVIRONMENT"]);
        Assert.Equal("7", environment["Limits__VaultsPerSubscription"]);
    }

    [Fact]
    public async Task GivenARunningPlatform_WhenASecondStartsOnItsDirectory_ThenItSaysSoAndExits1()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();

        var (exitCode, errors) = await platform.StartAndEndAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains($"running on {platform.Data} already (process {platform.HostId})", errors, StringComparison.Ordinal);
        Assert.Equal("fake", (await platform.ServiceEnvironmentAsync())["OTEL_SERVICE_NAME"]);
    }

    [Fact]
    public async Task GivenAPortThatWasTakenMeanwhile_WhenThePlatformStarts_ThenThePortIsNamedAndItExits1()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var port = new Uri((string)platform.Endpoints["fake"]!).Port;
        await platform.StopAsync();
        using var other = new TcpListener(IPAddress.Loopback, port);
        other.Start();

        var (exitCode, errors) = await platform.StartAndEndAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains($"port {port} (fake) is taken", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GivenARunningPlatform_WhenItsServiceIsKilled_ThenItIsStartedAgainOnTheSameAddress()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var first = (await platform.ServiceEnvironmentAsync())["process"];

        Posix.Signal(int.Parse(first, CultureInfo.InvariantCulture), Posix.Kill);

        await RunningPlatform.UntilAsync(async () =>
        {
            try
            {
                return (await platform.ServiceEnvironmentAsync())["process"] != first;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task GivenItsGuardWasKilledFirst_WhenTheHostIsKilled_ThenNoProcessIsLeftAndItStartsAgain()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var mark = platform.Mark;
        var guard = GuardOf(mark);
        Posix.Signal(guard, Posix.Kill);
        await RunningPlatform.UntilAsync(() => Task.FromResult(GuardOf(mark) is not 0 and var now && now != guard));

        await platform.KillAsync();

        await RunningPlatform.UntilAsync(() => Task.FromResult(GuardOf(mark) == 0));
        await platform.StartAsync();
    }

    [Fact]
    public async Task GivenAnUnknownOption_WhenStarted_ThenUsageAndExit2()
    {
        await using var platform = new RunningPlatform();
        var (exitCode, errors) = await platform.StartAndEndAsync("--stores");
        Assert.Equal(2, exitCode);
        Assert.Contains("usage:", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GivenARunningPlatform_WhenStopScriptIsRun_ThenItHasStoppedAndNothingIsLeft()
    {
        await using var platform = new RunningPlatform();
        await platform.StartAsync();
        var mark = platform.Mark;

        Assert.Equal(0, await StopScriptAsync(platform.Data));

        Assert.Empty(ProcFs.WithMark(mark));
        Assert.Null(ProcFs.StartTime(platform.HostId));
        Assert.Equal(0, await StopScriptAsync(platform.Data));
    }

    [Fact]
    public async Task GivenAPidFileWhoseIdBelongsToAnotherProgramNow_WhenStopScriptIsRun_ThenThatProgramLives()
    {
        await using var platform = new RunningPlatform();
        Directory.CreateDirectory(platform.Data);
        using var other = Process.Start("sleep", "600");
        await File.WriteAllTextAsync(Path.Combine(platform.Data, "platform.pid"), $"{other.Id} 1 0123456789abcdef\n", TestContext.Current.CancellationToken);

        Assert.Equal(0, await StopScriptAsync(platform.Data));

        Assert.False(other.HasExited);
        other.Kill();
        await other.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<int> StopScriptAsync(string data)
    {
        var start = new ProcessStartInfo(Path.Combine(HostOptions.FindCheckout(), "infra", "stop.sh"), ["--data", data]);
        return (await Tools.TryRunAsync(start, TestContext.Current.CancellationToken)).ExitCode;
    }

    /// <summary>The guard carries the mark as an argument, and not in its environment.</summary>
    private static int GuardOf(string mark) =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .FirstOrDefault(id => ProcFs.StartTime(id) is not null && ProcFs.CommandLine(id).EndsWith("guard " + mark, StringComparison.Ordinal));
}
