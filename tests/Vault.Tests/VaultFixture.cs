using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Testing;
using BackupPlatform.Vault.Tests;
using BackupPlatform.VaultService;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(VaultFixture))]

namespace BackupPlatform.Vault.Tests;

/// <summary>The vault service on a real database and bus; one for all tests, each of which has a subscription of its own.</summary>
public sealed class VaultFixture : IAsyncLifetime
{
    public const string OperatorToken = "operator-of-the-platform";

    private readonly PostgresServer postgres = new();
    private readonly RabbitServer rabbit = new();
    private RunningService<Limits>? service;
    private RunningService<Limits>? second;

    public IServiceProvider Services => service!.Services;

    public async ValueTask InitializeAsync()
    {
        await Task.WhenAll(postgres.InitializeAsync().AsTask(), rabbit.InitializeAsync().AsTask());
        var ports = FreePort.Take(2);
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:vaultdb"] = await postgres.CreateDatabaseAsync("vault"),
            ["ConnectionStrings:bus"] = rabbit.Uri.ToString(),
            ["Identity:PlatformOperatorToken"] = OperatorToken,
            ["Identity:SigningSecret"] = "a secret of these tests",
            ["AgentEndpoints:Registration:0"] = "http://registration.test:1234",
            ["services:vault:http:0"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[0]}"),
        };
        service = new RunningService<Limits>(ports[0], settings);
        second = new RunningService<Limits>(ports[1], settings);
    }

    public async ValueTask DisposeAsync()
    {
        if (second is not null) await second.DisposeAsync();
        if (service is not null) await service.DisposeAsync();
        await rabbit.DisposeAsync();
        await postgres.DisposeAsync();
    }

    /// <param name="token">Null: none is sent.</param>
    public HttpClient Client(string? token) => WithToken(service!.CreateClient(), token);

    /// <summary>A client of another replica.</summary>
    public HttpClient SecondClient(string? token) => WithToken(second!.CreateClient(), token);

    /// <summary>Publishes as another service would.</summary>
    public Task PublishAsync(IContract fact) =>
        Services.GetRequiredService<IBus>().Publish(fact, fact.GetType(), TestContext.Current.CancellationToken);

    private static HttpClient WithToken(HttpClient client, string? token)
    {
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public HttpClient Platform() => Client(OperatorToken);

    /// <summary>A new subscription, and a client of its operator.</summary>
    public async Task<(SubscriptionCreatedDocument Subscription, HttpClient Client)> SubscribeAsync()
    {
        var answer = await Platform().PostAsJsonAsync("/api/subscriptions", new CreateSubscription("A company"));
        Assert.Equal(System.Net.HttpStatusCode.Created, answer.StatusCode);
        var subscription = await answer.Content.ReadFromJsonAsync<SubscriptionCreatedDocument>();
        return (subscription!, Client(subscription!.OperatorToken));
    }

    public static Task<HttpResponseMessage> CreateVaultAsync(HttpClient client, Guid subscription, string? name, string? redundancy = "LRS") =>
        client.PostAsJsonAsync($"/api/subscriptions/{subscription}/vaults", new CreateVault(name, redundancy));
}
