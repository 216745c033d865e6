using BackupPlatform.Testing;

namespace BackupPlatform.Testing.Services;

/// <summary>PostgreSQL and RabbitMQ for one test run. An assembly fixture.</summary>
public sealed class Servers : IAsyncLifetime
{
    public PostgresServer Postgres { get; } = new();

    public RabbitServer Rabbit { get; } = new();

    /// <summary>A connection string of a database that is not there yet: services make their own.</summary>
    public string NewDatabase(string prefix) => Postgres.ConnectionString($"{prefix}_{Guid.NewGuid():N}");

    public async ValueTask InitializeAsync() =>
        await Task.WhenAll(Postgres.InitializeAsync().AsTask(), Rabbit.InitializeAsync().AsTask());

    public async ValueTask DisposeAsync()
    {
        await Rabbit.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}
