using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json.Nodes;

namespace BackupPlatform.LocalHosting.Tests;

/// <summary>A data directory, and a host that a test runs on it as a process.</summary>
internal sealed class RunningPlatform : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly HttpClient Http = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("local-hosting-").FullName;
    private readonly string _role;
    private Process? _host;

    public RunningPlatform(string role = "service-host")
    {
        _role = role;
        Data = Path.Combine(_folder, "data with space");
        Fake("Fake", "BackupPlatform.Fake", $"#!/bin/sh\n{TestHost.Role}=service exec '{Program}'\n");
        Fake("Agent", "backup-agent", "#!/bin/sh\n");
    }

    public string Data { get; }

    public int HostId => _host!.Id;

    public string Output { get; private set; } = "";

    public JsonNode Endpoints => JsonNode.Parse(File.ReadAllText(Path.Combine(Data, "endpoints.json")))!;

    public string Mark => $"{DataDirectory.MarkVariable}={File.ReadAllText(Path.Combine(Data, "platform.pid")).Split(' ', StringSplitOptions.TrimEntries)[2]}";

    private static string Program => Path.Combine(AppContext.BaseDirectory, "BackupPlatform.LocalHosting.Tests");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts the host and returns when it says that all is healthy.</summary>
    public async Task StartAsync()
    {
        _host = Launch();
        while (!IsHealthy())
        {
            if (_host.HasExited) Assert.Fail($"the host ended with {_host.ExitCode}: {await _host.StandardOutput.ReadToEndAsync(Cancel)}{await _host.StandardError.ReadToEndAsync(Cancel)}");
            await Task.Delay(20, Cancel);
        }
    }

    /// <summary>Starts a host that is expected to end by itself.</summary>
    public async Task<(int ExitCode, string Errors)> StartAndEndAsync(params string[] more)
    {
        using var host = Launch(more);
        var errors = host.StandardError.ReadToEndAsync(Cancel);
        Output = await host.StandardOutput.ReadToEndAsync(Cancel);
        await host.WaitForExitAsync(Cancel).WaitAsync(Limit, Cancel);
        return (host.ExitCode, await errors);
    }

    public async Task<int> StopAsync()
    {
        Posix.Signal(HostId, Posix.Terminate);
        await _host!.WaitForExitAsync(Cancel).WaitAsync(Limit, Cancel);
        return _host.ExitCode;
    }

    /// <summary>Kills the host as the kernel does when memory runs out; returns when no process of the run is left.</summary>
    public async Task KillAsync()
    {
        var mark = Mark;
        _host!.Kill();
        await _host.WaitForExitAsync(Cancel);
        await UntilAsync(() => Task.FromResult(ProcFs.WithMark(mark).Count == 0));
    }

    /// <summary>What the service in the platform was told.</summary>
    public async Task<Dictionary<string, string>> ServiceEnvironmentAsync() =>
        (await Http.GetFromJsonAsync<Dictionary<string, string>>(new Uri((string)Endpoints["fake"]!), Cancel))!;

    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < Limit, "did not happen in time");
            await Task.Delay(20, Cancel);
        }
    }

    /// <summary>The processes with a data directory on their command line: a look independent of the mark.</summary>
    public IReadOnlyList<int> ProcessesNamingData() =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(id => ProcFs.StartTime(id) is not null && ProcFs.CommandLine(id).Contains(Data, StringComparison.Ordinal)),
    ];

    public async ValueTask DisposeAsync()
    {
        if (_host is { HasExited: false }) await StopAsync();
        _host?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Whether this host, and not a killed one before it, has written the addresses.</summary>
    private bool IsHealthy()
    {
        var owner = Path.Combine(Data, "platform.pid");
        return File.Exists(owner) && File.ReadAllText(owner).StartsWith(string.Create(CultureInfo.InvariantCulture, $"{HostId} "), StringComparison.Ordinal)
            && File.Exists(Path.Combine(Data, "endpoints.json"));
    }

    private Process Launch(params string[] more)
    {
        var start = new ProcessStartInfo(Program, ["--data", Data, "--quiet", .. more]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[TestHost.Role] = _role;
        start.Environment[TestHost.ProjectVariable] = Path.Combine(_folder, "Fake", "Fake.csproj");
        start.Environment["Limits__VaultsPerSubscription"] = "7";
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        return Process.Start(start)!;
    }

    private void Fake(string project, string program, string script)
    {
        var configuration = typeof(RunningPlatform).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var folder = Directory.CreateDirectory(Path.Combine(_folder, project, "bin", configuration, "net10.0")).FullName;
        File.WriteAllText(Path.Combine(folder, program), script);
        File.SetUnixFileMode(Path.Combine(folder, program), UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }
}
