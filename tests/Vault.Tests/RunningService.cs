using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Testing;

/// <summary>
/// A service of the platform in this process, with everything that it has in production, on a loopback port of its own: others, and
/// it itself, ask it for its keys.
/// </summary>
/// <typeparam name="TEntry">Any type of the service's assembly.</typeparam>
public sealed class RunningService<TEntry> : WebApplicationFactory<TEntry> where TEntry : class
{
    private readonly IReadOnlyDictionary<string, string> settings;
    private readonly Action<IServiceCollection>? services;

    /// <param name="services">Replaces parts of the service.</param>
    public RunningService(int port, IReadOnlyDictionary<string, string> settings, Action<IServiceCollection>? services = null)
    {
        this.settings = settings;
        this.services = services;
        UseKestrel(port);
        StartServer();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        foreach (var (key, value) in settings)
        {
            builder.UseSetting(key, value);
        }

        if (services is not null)
        {
            builder.ConfigureTestServices(services);
        }
    }
}

/// <summary>The system's clock, so far ahead (or behind).</summary>
public sealed class ShiftedClock(TimeSpan ahead) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + ahead;
}
