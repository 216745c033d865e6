using System.Xml;
using BackupPlatform.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Testing.Services;

/// <summary>A service with its own Program, database, bus and clock, on a real port.</summary>
public class ServiceHost<TProgram> : WebApplicationFactory<TProgram>
    where TProgram : class
{
    /// <summary>The platform operator's token.</summary>
    public const string OperatorToken = "operator-of-the-platform";

    private readonly TempFolder folder = new("host");
    private readonly IReadOnlyDictionary<string, string> settings;

    public ServiceHost(Servers servers, string database, IReadOnlyDictionary<string, string>? settings = null)
    {
        this.settings = new Dictionary<string, string>(settings ?? new Dictionary<string, string>())
        {
            [$"ConnectionStrings:{database}"] = servers.NewDatabase(database),
            ["ConnectionStrings:bus"] = servers.Rabbit.Uri.ToString(),
            ["Identity:PlatformOperatorToken"] = OperatorToken,
            ["BACKUP_PLATFORM_CLOCK"] = folder.Combine("clock"),
        };
        UseKestrel(0);
    }

    /// <summary>The service's clock.</summary>
    public TimeProvider Clock => Services.GetRequiredService<TimeProvider>();

    /// <summary>Moves the service's clock to so far ahead of the system's, and waits until it goes by it.</summary>
    public async Task SetClockAsync(TimeSpan ahead)
    {
        var next = folder.Combine("clock.next");
        File.WriteAllText(next, XmlConvert.ToString(ahead));
        File.Move(next, folder.Combine("clock"), overwrite: true);
        while ((Clock.GetUtcNow() - TimeProvider.System.GetUtcNow() - ahead).Duration() > TimeSpan.FromSeconds(10))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Development");
        foreach (var (name, value) in settings)
        {
            builder.UseSetting(name, value);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            folder.Dispose();
        }
    }
}
