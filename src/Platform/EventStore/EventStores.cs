using BackupPlatform.Platform.Bus;
using JasperFx;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Weasel.Core;

namespace BackupPlatform.Platform.EventStore;

/// <summary>Wires a service to its own database: Marten as event and document store.</summary>
public static class EventStores
{
    /// <summary>
    /// Adds the event store, makes database and schema at start, and relays committed events to the bus through the
    /// <see cref="IContractTranslator"/>s of the service.
    /// </summary>
    /// <param name="database">Name of the connection string, such as <c>vaultdb</c>.</param>
    /// <param name="configure">States, stored event names and documents of the service.</param>
    public static void AddEventStore(this IHostApplicationBuilder builder, string database, Action<StoreOptions> configure)
    {
        var connection = builder.Configuration.GetConnectionString(database)
            ?? throw new InvalidOperationException($"ConnectionStrings:{database} is not set; the application host gives it.");
        builder.Services.AddSingleton(_ => NpgsqlDataSource.Create(connection));
        builder.Services.AddHostedService(_ => new DatabaseCreation(connection));
        builder.Services.AddMarten(services =>
            {
                var options = new StoreOptions();
                options.Connection(connection);
                Configure(options, services.GetRequiredService<TimeProvider>());
                configure(options);
                return options;
            })
            .UseLightweightSessions()
            .ApplyAllDatabaseChangesOnStartup()
            .AddSubscriptionWithServices<Relay>(ServiceLifetime.Singleton, relay => relay.Name = "relay")
            .AddAsyncDaemon(DaemonMode.HotCold);
        builder.Services.AddHealthChecks().AddCheck<DatabaseHealth>("database");
        builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddNpgsql());
        // A lost race for a stream is an answer, not an error; Marten logs each with its SQL.
        builder.Logging.AddFilter("Marten.IDocumentStore", LogLevel.None);
        // One line a page of events is what metrics are for.
        builder.Logging.AddFilter("Marten.Events.Daemon", LogLevel.Warning);
    }

    /// <summary>Keeps a stream's state as a document, written in the very transaction that appends the events.</summary>
    public static void AddState<TState>(this StoreOptions options) where TState : class, IEventSourced<TState> =>
        options.Projections.Add(new StateProjection<TState>(), ProjectionLifecycle.Inline);

    /// <summary>Keeps what another service's messages tell, so that of two racing messages neither is lost.</summary>
    public static void AddReadModel<TModel>(this StoreOptions options) where TModel : class, IReadModel =>
        options.Schema.For<TModel>().UseOptimisticConcurrency(true);

    private static void Configure(StoreOptions options, TimeProvider clock)
    {
        options.UseSystemTextJsonForSerialization(EnumStorage.AsString, Casing.CamelCase);
        options.AutoCreateSchemaObjects = AutoCreate.CreateOrUpdate;
        options.Events.TimeProvider = clock;
        options.Events.MetadataConfig.HeadersEnabled = true;
        options.Events.UseListenNotifyForEventAppends = true;
        // With Marten's defaults HotCold never elects a leader on this combination of packages; these three do.
        options.Events.UseAdvisoryLockTransaction = true;
        options.Events.UseMonitoredAdvisoryLock = false;
        options.Projections.LeadershipPollingTime = 1000;
        // A lost race leaves a gap in the sequence of events, and the relay stands still at it for this long before it looks
        // whether a transaction that lives could still fill it. With Marten's 3 seconds each lost race would delay all news.
        options.Projections.StaleSequenceThreshold = TimeSpan.FromMilliseconds(200);
        options.Projections.UseTransactionEvidenceForGapSkipping = true;
        options.Projections.SkipStaleGapsDespiteLiveTransactionsAfter = null;
        // What this version cannot read waits for one that can, rather than never being relayed.
        options.Projections.Errors.SkipUnknownEvents = false;
        options.Projections.Errors.SkipSerializationErrors = false;
        options.Projections.Errors.SkipApplyErrors = false;
    }
}
