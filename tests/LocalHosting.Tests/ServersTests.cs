using System.Globalization;
using Npgsql;

namespace BackupPlatform.LocalHosting.Tests;

/// <summary>The real PostgreSQL and RabbitMQ under a host.</summary>
public sealed class ServersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenPostgresAndRabbit_WhenOneIsKilledAndThenTheHostIs_ThenBothComeBackWithTheirDataAndNothingIsLeftBetween()
    {
        await using var platform = new RunningPlatform("servers-host");
        await platform.StartAsync();
        var database = (await platform.ServiceEnvironmentAsync())["ConnectionStrings__fakedb"] + ";Pooling=false";
        await ExecuteAsync(database, "CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)");
        Assert.Equal("on", await ScalarAsync(database, "SHOW fsync"));
        Assert.StartsWith("amqp://", (string)platform.Endpoints["rabbitmq"]!, StringComparison.Ordinal);
        Assert.Equal((string)platform.Endpoints["rabbitmq"]!, (await platform.ServiceEnvironmentAsync())["ConnectionStrings__bus"]);

        var postmaster = Postmaster(platform);
        Posix.Signal(postmaster, Posix.Kill);
        await RunningPlatform.UntilAsync(async () => await TryScalarAsync(database, "SELECT value FROM kept") is 42 && Postmaster(platform) != postmaster);

        var names = platform.ProcessesNamingData();
        Assert.NotEmpty(names);
        await platform.KillAsync();
        Assert.Empty(platform.ProcessesNamingData());

        await platform.StartAsync();
        Assert.Equal(42, await ScalarAsync(database, "SELECT value FROM kept"));
        Assert.Equal(0, await platform.StopAsync());
        Assert.Empty(platform.ProcessesNamingData());
    }

    private static int Postmaster(RunningPlatform platform)
    {
        var file = Path.Combine(platform.Data, "postgres", "postmaster.pid");
        return File.Exists(file) && int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var id) ? id : 0;
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }

    private static async Task<object?> TryScalarAsync(string database, string sql)
    {
        try
        {
            return await ScalarAsync(database, sql);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }
}
