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
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(30);

    private readonly IReadOnlyDictionary<string, string> settings;
    private readonly Uri health;
    private readonly Action<IServiceCollection>? services;

    /// <param name="services">Replaces parts of the service.</param>
    public RunningService(int port, IReadOnlyDictionary<string, string> settings, Action<IServiceCollection>? services = null)
    {
        this.settings = settings;
        this.services = services;
        health = new Uri(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/health"));
        UseKestrel(port);
        StartServer();
    }

    /// <remarks>Once it has started: a bus that is stopped while it starts would go on, on behalf of parts that are gone.</remarks>
    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await HealthyAsync();
        await base.DisposeAsync();
    }

    private async Task HealthyAsync()
    {
        using var client = new HttpClient();
        for (var start = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(start) < StartsWithin;)
        {
            try
            {
                using var answer = await client.GetAsync(health);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen any more.
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
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
