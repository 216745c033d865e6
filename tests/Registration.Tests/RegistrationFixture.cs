using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Registration.Tests;
using BackupPlatform.RegistrationService.Tokens;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(RegistrationFixture))]

namespace BackupPlatform.Registration.Tests;

/// <summary>Vault and registration services on a real database, bus and store; one for all tests, each with a vault of its own.</summary>
public sealed class RegistrationFixture : IAsyncLifetime
{
    private const string OperatorToken = "operator-of-the-platform";
    private const string SigningSecret = "a secret of these tests";

    private readonly PostgresServer postgres = new();
    private readonly RabbitServer rabbit = new();
    private readonly TempFolder folder = new("registration");
    private RunningService<VaultService.Limits>? vault;
    private RunningService<RegistrationService.Limits>? registration;

    /// <summary>Where key headers lie; a test that makes it fail says for which machine.</summary>
    public FaultyBlobStore Blobs { get; private set; } = null!;

    public IServiceProvider Services => registration!.Services;

    public async ValueTask InitializeAsync()
    {
        await Task.WhenAll(postgres.InitializeAsync().AsTask(), rabbit.InitializeAsync().AsTask());
        var ports = FreePort.Take(2);
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:vaultdb"] = await postgres.CreateDatabaseAsync("vault"),
            ["ConnectionStrings:registrationdb"] = await postgres.CreateDatabaseAsync("registration"),
            ["ConnectionStrings:bus"] = rabbit.Uri.ToString(),
            ["ConnectionStrings:blobs"] = new Uri(folder.Path).ToString(),
            ["Identity:PlatformOperatorToken"] = OperatorToken,
            ["Identity:SigningSecret"] = SigningSecret,
            ["AgentEndpoints:Registration:0"] = "http://registration-1.test",
            ["AgentEndpoints:Registration:1"] = "http://registration-2.test",
            ["AgentEndpoints:Ingest:0"] = "http://ingest.test",
            ["AgentEndpoints:Restore:0"] = "http://restore.test",
            ["services:vault:http:0"] = Address(ports[0]),
            ["services:registration:http:0"] = Address(ports[1]),
        };
        Blobs = new FaultyBlobStore(new FileBlobStore(folder), new Seed(1));
        registration = new RunningService<RegistrationService.Limits>(
            ports[1], settings, services => services.AddSingleton<IBlobStore>(Blobs));
        vault = new RunningService<VaultService.Limits>(ports[0], settings);
    }

    public async ValueTask DisposeAsync()
    {
        if (vault is not null) await vault.DisposeAsync();
        if (registration is not null) await registration.DisposeAsync();
        await rabbit.DisposeAsync();
        await postgres.DisposeAsync();
        folder.Dispose();
    }

    /// <summary>A client of the registration service.</summary>
    /// <param name="token">Null: none is sent.</param>
    public HttpClient Client(string? token = null) => WithToken(registration!.CreateClient(), token);

    /// <summary>The registration service's nonces, by a clock that is so far ahead.</summary>
    public static Challenges Challenges(TimeSpan ahead) => new(SigningSecret, new ShiftedClock(ahead));

    /// <summary>A new vault of a new subscription, and credentials for it.</summary>
    public async Task<TestVault> CreateVaultAsync()
    {
        using var platform = WithToken(vault!.CreateClient(), OperatorToken);
        var subscription = await AnswerAsync<SubscriptionCreatedDocument>(
            await platform.PostAsJsonAsync("/api/subscriptions", new CreateSubscription("A company")));
        var created = await AnswerAsync<VaultDocument>(
            await platform.PostAsJsonAsync($"/api/subscriptions/{subscription.Id}/vaults", new CreateVault("The vault", "LRS")));
        var credentials = await platform.PostAsync($"/api/vaults/{created.Id}/credentials", null);
        return new TestVault(created.Id, subscription.Id, subscription.OperatorToken, await credentials.Content.ReadAsStringAsync());
    }

    /// <summary>Reads a document from an answer that succeeded.</summary>
    public static async Task<T> AnswerAsync<T>(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {text}");
        return System.Text.Json.JsonSerializer.Deserialize<T>(text, ContractsJson.Default.Options)!;
    }

    /// <summary>Reads the problem from an answer that refused.</summary>
    public static async Task<ProblemDocument> RefusedAsync(HttpResponseMessage answer, System.Net.HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {text}");
        var problem = System.Text.Json.JsonSerializer.Deserialize(text, ContractsJson.Default.ProblemDocument)!;
        Assert.Equal(code, problem.Code);
        return problem;
    }

    private static HttpClient WithToken(HttpClient client, string? token)
    {
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}

/// <param name="OperatorToken">Of the vault's subscription.</param>
/// <param name="Credentials">The vault credentials file.</param>
public sealed record TestVault(Guid Id, Guid SubscriptionId, string OperatorToken, string Credentials);
