using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using BackupPlatform.Portal.Tests;
using BackupPlatform.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(PortalFixture))]

namespace BackupPlatform.Portal.Tests;

/// <summary>The portal in front of owners that tell what reached them; restore is not there at all.</summary>
public sealed class PortalFixture : IAsyncLifetime
{
    public const string OperatorToken = "operator-of-the-platform";

    private readonly List<WebApplication> owners = [];
    private RunningService<Pages.Overview>? portal;
    private Uri? address;

    /// <summary>Where the portal listens.</summary>
    public Uri Address => address!;

    /// <summary>What the owners answer instead of telling what reached them: by path and query.</summary>
    public ConcurrentDictionary<string, string> Answers { get; } = new();

    public async ValueTask InitializeAsync()
    {
        string[] names = ["vault", "registration", "ingest", "retention"];
        var ports = FreePort.Take(names.Length + 2);
        var settings = new Dictionary<string, string>
        {
            ["Identity:PlatformOperatorToken"] = OperatorToken,
            ["services:restore:http:0"] = At(ports[^2]),
        };
        for (var i = 0; i < names.Length; i++)
        {
            settings[$"services:{names[i]}:http:0"] = At(ports[i]);
            owners.Add(await StartAsync(names[i], At(ports[i])));
        }

        portal = new RunningService<Pages.Overview>(ports[^1], settings);
        address = new Uri(At(ports[^1]));
    }

    public async ValueTask DisposeAsync()
    {
        if (portal is not null) await portal.DisposeAsync();
        foreach (var owner in owners)
        {
            await owner.DisposeAsync();
        }
    }

    /// <param name="token">Null: none is sent.</param>
    public HttpClient Client(string? token = OperatorToken)
    {
        // Without a propagator, which would put this process's own trace in place of the one that a test sends.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null };
        var client = new HttpClient(handler) { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private async Task<WebApplication> StartAsync(string name, string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        var owner = builder.Build();
        owner.Run(async http =>
        {
            var path = http.Request.Path + http.Request.QueryString.ToString();
            if (Answers.TryGetValue(path, out var json))
            {
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync(json);
                return;
            }

            using var body = new StreamReader(http.Request.Body);
            await http.Response.WriteAsync(string.Join(
                '\n', name, $"{http.Request.Method} {path}", http.Request.Headers.Authorization, http.Request.Headers.TraceParent,
                await body.ReadToEndAsync()));
        });
        await owner.StartAsync();
        return owner;
    }

    private static string At(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
