using Microsoft.Extensions.Hosting;
using Npgsql;

namespace BackupPlatform.Platform.EventStore;

/// <summary>Makes the service's database before anything uses it, unless it is there.</summary>
/// <remarks>
/// Marten can make databases too, but of two replicas that start at once on an empty server one would fail. Here they stand in
/// line. Where the database is there, no other database is touched: a server may give a service access to its own alone.
/// </remarks>
internal sealed class DatabaseCreation(string connection) : IHostedLifecycleService
{
    private const string MaintenanceDatabase = "postgres";

    /// <summary>One line for all databases of a server: making two at once can fail as well.</summary>
    private const string StandInLine = "select pg_advisory_lock(7237128888997146477)";

    /// <remarks>Before anything starts: Marten puts its own start first, whatever the order of registration.</remarks>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (await ExistsAsync(cancellationToken))
        {
            return;
        }

        // Not pooled: closing the connection leaves the line.
        var target = new NpgsqlConnectionStringBuilder(connection);
        var maintenance = new NpgsqlConnectionStringBuilder(connection) { Database = MaintenanceDatabase, Pooling = false };
        await using var server = new NpgsqlConnection(maintenance.ConnectionString);
        await server.OpenAsync(cancellationToken);
        await ExecuteAsync(server, StandInLine, cancellationToken);
        if (!await ExistsAsync(cancellationToken))
        {
            await ExecuteAsync(server, $"create database \"{target.Database!.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var own = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
            await own.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection server, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, server);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
