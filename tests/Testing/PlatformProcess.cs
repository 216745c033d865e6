using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace BackupPlatform.Testing;

/// <summary>What DIR/endpoints.json says of a running platform.</summary>
public sealed record PlatformEndpoints(
    Uri Portal,
    Uri Vault,
    Uri Registration,
    Uri Ingest,
    Uri Retention,
    Uri Restore,
    string OperatorToken,
    string Agent,
    string Postgres,
    string Rabbitmq,
    IReadOnlyList<string> Storage);

/// <summary>
/// The whole platform, started by <c>infra/run.sh --detach</c> in a temporary folder and stopped by <c>infra/stop.sh</c>, also when the
/// test process is killed. An assembly fixture: one for a test run.
/// </summary>
public class PlatformProcess(IReadOnlyList<string> options, IReadOnlyDictionary<string, string?> variables) : IAsyncLifetime
{
    private readonly TempFolder _data = new("platform");
    private PlatformEndpoints? _endpoints;
    private Process? _guard;

    /// <summary>The folder with all its state.</summary>
    public string Data => _data;

    /// <summary>The file of BACKUP_PLATFORM_CLOCK, for agents.</summary>
    public string ClockFile => _data.Combine("clock");

    /// <summary>Where its parts are.</summary>
    /// <exception cref="InvalidOperationException">It was not started.</exception>
    public PlatformEndpoints Endpoints => _endpoints ?? throw new InvalidOperationException("The platform was not started.");

    /// <summary>Starts it, or again after <see cref="StopAsync"/> with the same data.</summary>
    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(ClockFile)) SetClockOffset("PT0S");
        // The guard comes first: a start that is killed half-way is stopped, too.
        _guard ??= StartGuard();
        var environment = new Dictionary<string, string?>(variables);
        environment.TryAdd("BACKUP_PLATFORM_CLOCK", ClockFile);
        await RunAsync([Repository.Combine("infra", "run.sh"), "--detach", "--data", _data, .. options], environment);
        string json = await File.ReadAllTextAsync(_data.Combine("endpoints.json"));
        _endpoints = JsonSerializer.Deserialize<PlatformEndpoints>(json, JsonSerializerOptions.Web)
            ?? throw new InvalidDataException("endpoints.json is empty.");
    }

    /// <summary>Stops it; its data stays.</summary>
    public async Task StopAsync()
    {
        await RunAsync([Repository.Combine("infra", "stop.sh"), "--data", _data], variables);
        _endpoints = null;
    }

    /// <summary>
    /// Sets how far the platform's clock is ahead, an ISO-8601 duration (<c>P3D</c>, <c>-PT2H</c>), and waits until every service
    /// goes by it: two seconds, as promised of the clock.
    /// </summary>
    public async Task SetClockAsync(string duration)
    {
        SetClockOffset(duration);
        await Task.Delay(TimeSpan.FromSeconds(2));
    }

    private void SetClockOffset(string duration)
    {
        // Renamed into place: the services never read a half-written file.
        File.WriteAllText(ClockFile + ".new", duration + "\n");
        File.Move(ClockFile + ".new", ClockFile, overwrite: true);
    }

    /// <summary>An agent with a home of its own.</summary>
    public AgentProcess Agent(string home) => new(
        Endpoints.Agent, home, new Dictionary<string, string?> { ["BACKUP_PLATFORM_CLOCK"] = ClockFile, ["DOTNET_ENVIRONMENT"] = "Development" });

    /// <summary>Stops it and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_guard is not null)
        {
            _guard.StandardInput.Close();
            await _guard.WaitForExitAsync();
            _guard.Dispose();
        }
        _data.Dispose();
    }

    // Output goes to a file: what run.sh leaves running inherits it, and a pipe would never end.
    private async Task RunAsync(IReadOnlyList<string> command, IReadOnlyDictionary<string, string?> environment)
    {
        string log = _data.Combine(Path.GetFileName(command[0]) + ".log");
        var start = new ProcessStartInfo("sh", ["-c", "log=$1; shift; exec \"$@\" </dev/null >\"$log\" 2>&1", "sh", log, .. command])
        {
            WorkingDirectory = Repository.Root,
        };
        foreach ((string name, string? value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode == 0) return;
        throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}:\n{await File.ReadAllTextAsync(log)}");
    }

    private Process StartGuard()
    {
        const string Wait = "read -r _; exec \"$1\" --data \"$2\" >/dev/null 2>&1";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Wait, "guard", Repository.Combine("infra", "stop.sh"), _data])
        {
            RedirectStandardInput = true,
        };
        return Process.Start(start)!;
    }
}
