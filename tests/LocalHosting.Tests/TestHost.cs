using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aspire.Hosting;

namespace BackupPlatform.LocalHosting.Tests;

/// <summary>
/// This program is also what the tests run: with the variable <see cref="Role" /> it is a host that runs a small system,
/// or the service in that system, instead of the tests.
/// </summary>
internal static class TestHost
{
    public const string Role = "LOCAL_HOSTING_TEST_ROLE";
    public const string ProjectVariable = "LOCAL_HOSTING_TEST_PROJECT";

    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "Runs before the test framework's own entry point.")]
    internal static void Run()
    {
        switch (Environment.GetEnvironmentVariable(Role))
        {
            case "service-host": Host(withServers: false); break;
            case "servers-host": Host(withServers: true); break;
            case "service": Serve(); break;
            default: return;
        }

        Environment.Exit(Environment.ExitCode);
    }

    private static void Host(bool withServers)
    {
        var builder = DistributedApplication.CreateBuilder(Environment.GetCommandLineArgs()[1..]);
        var token = builder.AddParameter("operator-token", new Aspire.Hosting.ApplicationModel.GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true);
        var service = builder.AddProject<Fake>("fake").WithHttpEndpoint().WithHttpHealthCheck("/health").WithEnvironment("Identity__PlatformOperatorToken", token);
        service.WithReference(service).WithEnvironment("AgentEndpoints__Registration__0", service.GetEndpoint("http"));
        service.WithReference(builder.AddAzureStorage("storage").RunAsEmulator(azurite => azurite.WithDataVolume()).AddBlobs("blobs"));
        if (withServers)
        {
            var database = builder.AddPostgres("postgres").WithDataVolume().AddDatabase("fakedb");
            var bus = builder.AddRabbitMQ("bus").WithDataVolume();
            service.WithReference(database).WaitFor(database).WithReference(bus).WaitFor(bus);
        }

        builder.Build().Run();
    }

    /// <summary>Answers /health with nothing and anything else with its environment and process id.</summary>
    private static void Serve()
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add(Environment.GetEnvironmentVariable("ASPNETCORE_URLS") + "/");
        listener.Start();
        while (true)
        {
            var context = listener.GetContext();
            if (context.Request.Url!.AbsolutePath != "/health")
            {
                var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>().ToDictionary(name => name, Environment.GetEnvironmentVariable);
                environment["process"] = Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
                JsonSerializer.Serialize(context.Response.OutputStream, environment);
            }

            context.Response.Close();
        }
    }

    private sealed class Fake : IProjectMetadata
    {
        public string ProjectPath => Environment.GetEnvironmentVariable(ProjectVariable)!;
    }
}
