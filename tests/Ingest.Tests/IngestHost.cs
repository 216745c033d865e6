using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using MassTransit;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Npgsql;

[assembly: AssemblyFixture(typeof(BackupPlatform.Ingest.Tests.IngestHost))]
// The tests share one service and its clock.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]

namespace BackupPlatform.Ingest.Tests;

/// <summary>The real service on Kestrel, with a real PostgreSQL, RabbitMQ and a store of files that can be told to fail.</summary>
public sealed class IngestHost : IAsyncLifetime
{
    public const int ItemsPerMachine = 3;
    public const int RecoveryPointsPerItem = 4;

    private readonly PostgresServer postgres = new();
    private readonly RabbitServer rabbit = new();
    private readonly TempFolder folder = new("ingest");
    private readonly ConcurrentBag<object> heard = [];
    private Factory? factory;
    private IBusControl? listener;

    /// <summary>The service's clock, and everybody's here.</summary>
    public ShiftedClock Clock { get; } = new();

    public FaultyBlobStore Blobs { get; private set; } = null!;

    public NpgsqlDataSource Database { get; private set; } = null!;

    public IServiceProvider Services => factory!.Services;

    internal TokenSigner Registration { get; private set; } = null!;

    internal TokenSigner Vault { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Task.WhenAll(postgres.InitializeAsync().AsTask(), rabbit.InitializeAsync().AsTask());
        Registration = new TokenSigner(TokenKinds.RegistrationIssuer, ECDsa.Create(ECCurve.NamedCurves.nistP256), Clock);
        Vault = new TokenSigner(TokenKinds.VaultIssuer, ECDsa.Create(ECCurve.NamedCurves.nistP256), Clock);
        Blobs = new FaultyBlobStore(new FileBlobStore(folder.Combine("store")), Seed.New());
        factory = new Factory(this, await postgres.CreateDatabaseAsync("ingest"));
        factory.UseKestrel(0);
        factory.StartServer();
        Database = factory.Services.GetRequiredService<NpgsqlDataSource>();
        await ListenAsync();
        await WaitUntilHealthyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await (listener?.StopAsync() ?? Task.CompletedTask);
        await (factory?.DisposeAsync() ?? ValueTask.CompletedTask);
        await rabbit.DisposeAsync();
        await postgres.DisposeAsync();
        folder.Dispose();
    }

    public HttpClient CreateClient() => factory!.CreateClient();

    public Uri Address => factory!.ClientOptions.BaseAddress;

    /// <summary>An empty database beside the service's.</summary>
    public Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync("empty", TestContext.Current.CancellationToken);

    public Task PublishAsync(object message) =>
        Services.GetRequiredService<IBus>().Publish(message, message.GetType(), TestContext.Current.CancellationToken);

    /// <summary>A message that the service published, as soon as it comes.</summary>
    public async Task<T> HeardAsync<T>(Func<T, bool> which) where T : class =>
        await EventuallyAsync(() => Task.FromResult(heard.OfType<T>().FirstOrDefault(which)));

    public int HeardCount<T>(Func<T, bool> which) where T : class => heard.OfType<T>().Where(which).Distinct().Count();

    /// <summary>Asks again until there is an answer.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<Task<T?>> ask) where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        while (true)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private async Task ListenAsync()
    {
        listener = Bus.Factory.CreateUsingRabbitMq(bus =>
        {
            bus.Host(rabbit.Uri);
            bus.ReceiveEndpoint("listener", endpoint =>
            {
                endpoint.Handler<BackupStarted>(context => NoteAsync(context.Message));
                endpoint.Handler<BackupFailed>(context => NoteAsync(context.Message));
                endpoint.Handler<RecoveryPointCreated>(context => NoteAsync(context.Message));
                endpoint.Handler<RestorePlanned>(context => NoteAsync(context.Message));
                endpoint.Handler<RestorePlanRefused>(context => NoteAsync(context.Message));
                endpoint.Handler<VaultClosingAnswered>(context => NoteAsync(context.Message));
            });
        });
        await listener.StartAsync();
    }

    private Task NoteAsync(object message)
    {
        heard.Add(message);
        return Task.CompletedTask;
    }

    private async Task WaitUntilHealthyAsync()
    {
        using var client = CreateClient();
        await EventuallyAsync(async () =>
        {
            using var answer = await client.GetAsync(new Uri("/health", UriKind.Relative));
            return answer.StatusCode == HttpStatusCode.OK ? "healthy" : null;
        });
    }

    private sealed class Factory(IngestHost host, string database) : WebApplicationFactory<Program>
    {
        protected override IHost CreateHost(IHostBuilder builder)
        {
            builder.ConfigureHostConfiguration(configuration => configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["ConnectionStrings:ingestdb"] = database,
                ["ConnectionStrings:bus"] = host.rabbit.Uri.ToString(),
                ["ConnectionStrings:blobs"] = new Uri(host.folder.Combine("unused")).AbsoluteUri,
                ["Logging:LogLevel:Default"] = "Warning",
                ["Identity:PlatformOperatorToken"] = "platform-operator",
                ["Limits:ItemsPerMachine"] = ItemsPerMachine.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["Limits:RecoveryPointsPerItem"] = RecoveryPointsPerItem.ToString(System.Globalization.CultureInfo.InvariantCulture),
            }));
            return base.CreateHost(builder);
        }

        protected override void ConfigureWebHost(IWebHostBuilder builder) => builder.ConfigureTestServices(services =>
        {
            services.RemoveAll<TimeProvider>();
            services.AddSingleton<TimeProvider>(host.Clock);
            services.RemoveAll<IBlobStore>();
            services.AddSingleton<IBlobStore>(host.Blobs);
            services.AddHttpClient(TokenVerifier.Client).ConfigurePrimaryHttpMessageHandler(() => new PublishedKeys(host));
        });
    }

    /// <summary>Plays vault and registration, of which ingest needs nothing but their public keys.</summary>
    private sealed class PublishedKeys(IngestHost host) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(request.RequestUri!.Host == "vault" ? host.Vault.PublicKeys : host.Registration.PublicKeys),
            });
    }
}

/// <summary>The system's clock, moved.</summary>
public sealed class ShiftedClock : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;
}
