using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance.Fixtures;

public sealed class ServerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenPostgres_WhenStartedAndDisposed_ThenItServesAndIsGone()
    {
        var server = new PostgresServer();
        await server.InitializeAsync();
        string connectionString = await server.CreateDatabaseAsync(cancellationToken: Cancellation);
        string answer = await GuardedProcess.RunAsync(["psql", "-X", "-A", "-t", server.Uri, "-c", "SELECT 6 * 7"], cancellationToken: Cancellation);
        await server.DisposeAsync();

        Assert.Contains($"Port={server.Port}", connectionString, StringComparison.Ordinal);
        Assert.Equal("42", answer.Trim());
        Assert.False(await FreePort.IsListeningAsync(server.Port));
    }

    [Fact]
    public async Task GivenRabbit_WhenStartedAndDisposed_ThenItServesAndIsGone()
    {
        var server = new RabbitServer();
        await server.InitializeAsync();
        Assert.True(await FreePort.IsListeningAsync(server.Port));
        await server.DisposeAsync();

        Assert.False(await FreePort.IsListeningAsync(server.Port));
    }

    [Fact]
    public async Task GivenAGuardedServer_WhenDisposed_ThenItsWholeGroupIsGone()
    {
        GuardedProcess server = GuardedProcess.Start(["sh", "-c", "sleep 1000 & echo $!; wait"]);
        int child = int.Parse(await server.WaitForLineAsync(line => line, TimeSpan.FromSeconds(30), Cancellation));
        Assert.True(Directory.Exists($"/proc/{child}"));

        await server.DisposeAsync();

        // The group is killed; who reaps the orphan is up to the system, so a zombie is gone enough.
        Assert.True(!File.Exists($"/proc/{child}/stat") || (await File.ReadAllTextAsync($"/proc/{child}/stat", Cancellation)).Contains(") Z"));
    }
}
