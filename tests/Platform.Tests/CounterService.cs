using BackupPlatform.Contracts;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.ServiceDefaults;
using JasperFx.Events;
using Marten;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace BackupPlatform.Platform.Tests;

/// <summary>The smallest service: it counts.</summary>
public sealed record Counter(Guid Id, int Count) : IEventSourced<Counter>
{
    public static Counter Fold(Counter? state, object fact) => fact switch
    {
        Counted e => new(e.CounterId, e.Number),
        _ => state!,
    };

    public static Decision CountOn(Counter? state, Guid id) => Decision.Append(new Counted(id, (state?.Count ?? 0) + 1, DateTimeOffset.UnixEpoch));
}

public sealed record Counted(Guid CounterId, int Number, DateTimeOffset At);

/// <summary>What others hear of counters.</summary>
public sealed record NumberCounted(Guid StreamId, long Version, DateTimeOffset At, int Number) : IContract;

/// <summary>What a service keeps of another's counter.</summary>
public sealed record KnownCounter(Guid Id, long Version, int Number) : IReadModel
{
    public static KnownCounter Apply(KnownCounter? known, NumberCounted fact) => new(fact.StreamId, fact.Version, fact.Number);
}

internal sealed class CounterContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data is Counted e
        ? new NumberCounted(committed.StreamId, committed.Version, e.At, e.Number)
        : null;
}

/// <summary>One host of the counting service.</summary>
internal sealed class CounterService : IAsyncDisposable
{
    private readonly WebApplication app;

    private CounterService(WebApplication app) => this.app = app;

    public IDocumentStore Store => app.Services.GetRequiredService<IDocumentStore>();

    public IdentityGate Gate => app.Services.GetRequiredService<IdentityGate>();

    public Uri Address => new(app.Urls.Single());

    /// <param name="name">Prefix of its queues.</param>
    public static async Task<CounterService> StartAsync(
        string name,
        string database,
        Uri rabbit,
        Action<IBusRegistrationConfigurator>? consumers = null,
        IReadOnlyDictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:counterdb"] = database,
            ["ConnectionStrings:bus"] = rabbit.ToString(),
        });
        builder.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>());
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        builder.AddEventStore("counterdb", store =>
        {
            store.AddState<Counter>();
            store.AddReadModel<KnownCounter>();
            store.Events.MapEventType<Counted>("counted");
        });
        builder.AddBus(name, bus =>
        {
            bus.AddEndedIdentities();
            consumers?.Invoke(bus);
        });
        builder.AddIdentityGate();
        builder.Services.AddSingleton<IContractTranslator, CounterContracts>();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.UseIdentityGate();
        app.MapGet("/refused/{code}", (string code) => new Refusal(code, "What happened, and what to do next.").ToResult());
        app.MapGet("/thrown/{code}", IResult (string code) => throw new RefusedException(new Refusal(code, "As above.")));
        app.MapGet("/broken", IResult () => throw new InvalidOperationException("A secret of the service."));
        app.MapPost("/number", (NumberCounted number) => Results.Ok(number));
        await app.StartAsync(TestContext.Current.CancellationToken);
        // Its queues are there from then on: nothing that is published now is missed.
        await app.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, TestContext.Current.CancellationToken);
        return new CounterService(app);
    }

    public Task<Decision> CountAsync(Guid counter) =>
        Store.DecideAsync<Counter>(counter, state => Counter.CountOn(state, counter), TestContext.Current.CancellationToken);

    public async Task<T?> LoadAsync<T>(Guid id) where T : notnull
    {
        await using var session = Store.QuerySession();
        return await session.LoadAsync<T>(id, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        // Disposing alone leaves the bus at work, on behalf of parts that are gone.
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}
