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
// They share one store, and a fault that one test asks of it must not meet another.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]

namespace BackupPlatform.Registration.Tests;

/// <summary>Vault and registration services on a real database, bus and store; one for all tests, each with a vault of its own.</summary>
public sealed class RegistrationFixture : IAsyncLifetime
{
    private const string OperatorToken = "operator-of-the-platform";
    private const string SigningSecret = "a secret of these tests";

    private readonly PostgresServer postgres = new();
    private readonly RabbitServer rabbit = new();
    private readonly TempFolder folder = new("registration");
    private Dictionary<string, string> settings = [];
    private RunningService<VaultService.Limits>? vault;
    private RunningService<RegistrationService.Limits>? registration;
    private RunningService<RegistrationService.Limits>? second;

    /// <summary>Where key headers lie; a test that makes it fail says for which machine.</summary>
    public FaultyBlobStore Blobs { get; private set; } = null!;

    public IServiceProvider Services => registration!.Services;

    /// <summary>Another replica of the registration service.</summary>
    public IServiceProvider SecondServices => second!.Services;

    public async ValueTask InitializeAsync()
    {
        await Task.WhenAll(postgres.InitializeAsync().AsTask(), rabbit.InitializeAsync().AsTask());
        var ports = FreePort.Take(3);
        settings = new Dictionary<string, string>
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
        second = new RunningService<RegistrationService.Limits>(
            ports[2], settings, services => services.AddSingleton<IBlobStore>(Blobs));
        vault = new RunningService<VaultService.Limits>(ports[0], settings);
    }

    public async ValueTask DisposeAsync()
    {
        if (vault is not null) await vault.DisposeAsync();
        if (second is not null) await second.DisposeAsync();
        if (registration is not null) await registration.DisposeAsync();
        await rabbit.DisposeAsync();
        await postgres.DisposeAsync();
        folder.Dispose();
    }

    /// <summary>A client of the registration service.</summary>
    /// <param name="token">Null: none is sent.</param>
    public HttpClient Client(string? token = null) => WithToken(registration!.CreateClient(), token);

    /// <summary>A client of another replica of it.</summary>
    public HttpClient SecondClient(string? token = null) => WithToken(second!.CreateClient(), token);

    /// <summary>A client of the vault service.</summary>
    public HttpClient VaultClient(string token) => WithToken(vault!.CreateClient(), token);

    /// <summary>A replica of the registration service of its own, on the same database and bus.</summary>
    public RunningService<RegistrationService.Limits> StartReplica(
        IReadOnlyDictionary<string, string> more, Action<IServiceCollection>? replace = null) => new(
            FreePort.Take(1)[0],
            settings.Concat(more).ToDictionary(setting => setting.Key, setting => setting.Value),
            services =>
            {
                services.AddSingleton<IBlobStore>(Blobs);
                replace?.Invoke(services);
            });

    /// <summary>More credentials of a vault.</summary>
    public async Task<string> DownloadAsync(TestVault of, string? purpose = null)
    {
        using var client = VaultClient(of.OperatorToken);
        var answer = await client.PostAsync($"/api/vaults/{of.Id}/credentials{(purpose is null ? "" : "?purpose=" + purpose)}", null);
        Assert.Equal(System.Net.HttpStatusCode.Created, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Publishes as another service would.</summary>
    public Task PublishAsync(IContract fact) => Services.GetRequiredService<MassTransit.IBus>().Publish(
        fact, fact.GetType(), TestContext.Current.CancellationToken);

    /// <summary>Asks until the answer has this code; null: until it succeeds.</summary>
    public static async Task UntilAsync(string? code, Func<Task<HttpResponseMessage>> ask)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var answer = await ask();
            var text = await answer.Content.ReadAsStringAsync();
            if (code is null ? answer.IsSuccessStatusCode : text.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal))
            {
                return;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"Still {answer.StatusCode}: {text}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

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
