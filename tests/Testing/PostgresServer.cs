using System.Globalization;
using System.Security.Cryptography;
using Xunit;

namespace BackupPlatform.Testing;

/// <summary>
/// A PostgreSQL server of the tests' own, with its data in a temporary folder, without fsync, on a free loopback port. An assembly
/// fixture: one for a test run, a database of its own for each test that asks.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private static readonly string[] Settings =
    [
        "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
        "max_connections=300", "shared_buffers=128MB", "jit=off", "timezone=UTC", "log_timezone=UTC",
    ];

    private readonly TempFolder _folder = new("postgres");
    private GuardedProcess? _server;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>A libpq address of the superuser.</summary>
    public string Uri => string.Create(CultureInfo.InvariantCulture, $"postgresql://postgres@127.0.0.1:{Port}/postgres");

    /// <summary>A connection string for Npgsql, as superuser; it does not make the database.</summary>
    public string ConnectionString(string database = "postgres") => string.Create(
        CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={Port};Username=postgres;Database={database};Include Error Detail=true");

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string prefix = "test", CancellationToken cancellationToken = default)
    {
        string name = $"{prefix}_{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        await GuardedProcess.RunAsync(["psql", "-X", "-q", Uri, "-c", $"CREATE DATABASE \"{name}\""], cancellationToken: cancellationToken);
        return ConnectionString(name);
    }

    /// <summary>Makes a cluster and starts the server.</summary>
    public async ValueTask InitializeAsync()
    {
        string data = _folder.Combine("data");
        await GuardedProcess.RunAsync(
            [.. AsPostgres, Find("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            workingDirectory: "/");
        Port = FreePort.Take(1)[0];
        string[] settings = [.. Settings.SelectMany(setting => new[] { "-c", setting })];
        _server = GuardedProcess.Start(
            [.. AsPostgres, Find("postgres"), "-D", data, "-p", Port.ToString(CultureInfo.InvariantCulture), .. settings],
            stopSignal: "INT",
            workingDirectory: "/");
        await _server.WaitForLineAsync(
            line => line.Contains("ready to accept connections", StringComparison.Ordinal) ? line : null, TimeSpan.FromMinutes(1));
    }

    /// <summary>Stops the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }

    // PostgreSQL refuses root. With these two capabilities the user postgres may enter folders that only root may.
    private static string[] AsPostgres => !Environment.IsPrivilegedProcess
        ? []
        : [
            "setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
            "--inh-caps", "+dac_read_search,+dac_override", "--ambient-caps", "+dac_read_search,+dac_override", "--",
        ];

    // Debian keeps the server's programs off the PATH.
    private static string Find(string program)
    {
        string[] packaged = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [];
        return packaged.OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin", program))
            .FirstOrDefault(File.Exists) ?? program;
    }
}
