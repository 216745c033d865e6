using System.Text;
using BackupPlatform.EndToEnd.Tests.Tracing;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Starting, stopping, starting again, two at once, and being watched.</summary>
public sealed class HostingTests(SharedPlatform platform, ITestOutputHelper output)
{
    [Fact]
    public async Task GivenBackups_WhenRestartedOnTheSameData_ThenEverythingIsStillThereAtTheSameAddresses()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        await machine.BackUpAsync();
        var before = platform.Endpoints;
        await platform.StopAsync();
        Assert.Equal([], ProcessesOf(platform.Data));

        await platform.InitializeAsync();

        Assert.Equal(before.Portal, platform.Endpoints.Portal);
        Assert.Equal(before.OperatorToken, platform.Endpoints.OperatorToken);
        await machine.RestoreAndCompareAsync();
        var unchanged = await machine.BackUpAsync();
        Assert.InRange(unchanged.GetProperty("bytesUploaded").GetInt64(), 0, 200_000);
        Assert.Equal(2, (await machine.Operator.RecoveryPointsAsync(machine.MachineId)).Count);
    }

    [Fact]
    public async Task GivenTwoPlatforms_WhenTracedAndStopped_ThenOneTraceLeadsFromTheAgentToRetentionAndTheOtherRunsOn()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        var telemetry = new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Endpoint.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "500",
        };
        await using var second = new PlatformProcess([], telemetry);
        await second.InitializeAsync();
        Assert.NotEqual(platform.Endpoints.Portal, second.Endpoints.Portal);
        using var machine = await ProtectedMachine.RegisterAsync(second);
        Directory.CreateDirectory(machine.Source);
        var agent = new AgentProcess(second.Endpoints.Agent, machine.Agent.Home, telemetry);

        (await agent.RunAsync("backup", machine.Source)).Expect();

        await AssertOneTraceAsync(receiver);
        await second.StopAsync();
        Assert.Equal([], ProcessesOf(second.Data));
        using var there = await Operator.CreateAsync(platform, "still running");
    }

    /// <summary>The agent's command, ingest, the message and retention's handling of it carry one trace id.</summary>
    private static async Task AssertOneTraceAsync(OtlpReceiver receiver)
    {
        string[] wanted = ["backup-agent", "ingest", "retention"];
        var begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var traces = receiver.Spans.GroupBy(span => span.TraceId);
            if (traces.Any(trace => trace.Any(span => span is { Service: "backup-agent", ParentSpanId: "" })
                && wanted.All(service => trace.Any(span => span.Service == service))
                && trace.Any(span => span.Service == "ingest" && span.Name.Contains("RecoveryPointCreated", StringComparison.Ordinal))))
            {
                return;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(30),
                string.Join('\n', traces.Select(trace => $"{trace.Key}: {string.Join(", ", trace.Select(span => $"{span.Service}/{span.Name}"))}")));
            await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Command lines of the processes that name a folder, but for the guard that will stop the platform.</summary>
    private static string[] ProcessesOf(string data) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(folder => int.TryParse(Path.GetFileName(folder), out _))
            .Select(CommandLine)
            .Where(line => line.Contains(data, StringComparison.Ordinal) && !line.Contains("infra/stop.sh", StringComparison.Ordinal)),
    ];

    private static string CommandLine(string process)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(process, "cmdline"))).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
