using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;

namespace BackupPlatform.LocalHosting;

/// <summary>A service of this repository, run from what was built for it in the configuration that the host was built in.</summary>
internal sealed class ProjectUnit(ProjectResource project) : Unit(project.Name)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public override IReadOnlyList<string> DependsOn { get; } =
        [.. project.WaitsFor.Select(resource => resource is PostgresDatabaseResource database ? database.Parent.Name : resource.Name).Distinct()];

    public override IReadOnlyList<string> PortNames => project.HasHttpEndpoint ? [Name] : [];

    public override ProcessStartInfo Command(RunContext run)
    {
        var folder = Path.GetDirectoryName(project.Metadata.ProjectPath)!;
        var program = BuiltProgram(folder, "BackupPlatform." + Path.GetFileNameWithoutExtension(project.Metadata.ProjectPath));
        var start = new ProcessStartInfo(program) { WorkingDirectory = folder };
        var environment = start.Environment;

        // What belongs to the host's own launch, or would move the service off its address.
        foreach (var name in new[] { "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "HTTP_PORTS", "HTTPS_PORTS", "URLS", "DOTNET_URLS", "DOTNET_LAUNCH_PROFILE" })
            environment.Remove(name);
        if (project.HasHttpEndpoint) environment["ASPNETCORE_URLS"] = run.UrlOf(Name);

        var inEnvironment = Given("ASPNETCORE_ENVIRONMENT") ?? Given("DOTNET_ENVIRONMENT") ?? "Development";
        environment["ASPNETCORE_ENVIRONMENT"] = inEnvironment;
        environment["DOTNET_ENVIRONMENT"] = Given("DOTNET_ENVIRONMENT") ?? inEnvironment;
        environment["DOTNET_ROOT"] = DotnetRoot();
        environment["OTEL_SERVICE_NAME"] = Name;
        environment["OTEL_RESOURCE_ATTRIBUTES"] = string.Join(',', new[] { Given("OTEL_RESOURCE_ATTRIBUTES"), $"service.instance.id={Name}-{run.Data.RunId[..8]}" }.OfType<string>());
        foreach (var (name, value) in project.Environment) environment[name] = value(run);
        return start;
    }

    public override async Task<bool> IsHealthyAsync(RunContext run, CancellationToken cancel)
    {
        if (!project.HasHttpEndpoint) return true;
        try
        {
            using var response = await Http.GetAsync(new Uri(run.UrlOf(Name) + project.HealthPath), cancel);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The program that a project of this repository was built to.</summary>
    /// <exception cref="HostingException">It was not built.</exception>
    public static string BuiltProgram(string projectFolder, string assembly)
    {
        var configuration = Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";
        var program = Path.Combine(projectFolder, "bin", configuration, "net10.0", assembly);
        return File.Exists(program)
            ? program
            : throw new HostingException($"{program} is not there; build it with: dotnet build AppHost -c {configuration}");
    }

    private static string? Given(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>The .NET that this host runs on: the services' programs need not find it where they would look.</summary>
    private static string DotnetRoot() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
}
