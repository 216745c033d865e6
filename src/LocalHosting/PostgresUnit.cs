using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace BackupPlatform.LocalHosting;

/// <summary>A PostgreSQL server on a cluster in the data directory. It refuses to run as root, so root becomes user postgres for it.</summary>
internal sealed class PostgresUnit(PostgresServerResource server) : Unit(server.Name)
{
    private const string User = "postgres";

    // Durable (fsync and synchronous_commit stay on). The rest is for a handful of services and bulk loads on one machine.
    private static readonly string[] Settings =
    [
        "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "shared_buffers=256MB", "max_wal_size=2GB",
        "checkpoint_timeout=15min", "wal_compression=on", "random_page_cost=1.1", "jit=off", "timezone=UTC", "log_timezone=UTC",
    ];

    private string[]? _asPostgres;
    private bool _databasesExist;

    public override int StopSignal => Posix.Interrupt; // "fast": ends the sessions, then stops in order

    public static string ConnectionString(string server, string database, RunContext run) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = run.Ports[server],
            Username = User,
            Password = run.Password(PasswordName(server)),
            Database = database,
        }.ConnectionString;

    /// <summary>
    /// The address that psql and pg_dumpall take, as superuser. The password file is for pg_dumpall, which does not pass on a
    /// password to the pg_dump that it runs.
    /// </summary>
    public static string Uri(string server, RunContext run) => string.Create(
        CultureInfo.InvariantCulture,
        $"postgresql://{User}:{run.Password(PasswordName(server))}@127.0.0.1:{run.Ports[server]}/postgres?passfile={System.Uri.EscapeDataString(PasswordFile(server, run))}");

    public override async Task PrepareAsync(RunContext run, CancellationToken cancel)
    {
        _asPostgres ??= await BecomePostgresAsync(cancel);
        DataDirectory.WriteText(
            PasswordFile(Name, run),
            string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{run.Ports[Name]}:*:{User}:{run.Password(PasswordName(Name))}\n"));
        var cluster = ClusterOf(run);
        if (Directory.Exists(cluster))
        {
            await ClearStalePidFileAsync(cluster, cancel);
            return;
        }

        // Made beside its place and moved there, so that a cluster is never half made.
        var next = cluster + ".new";
        if (Directory.Exists(next)) Directory.Delete(next, recursive: true);
        var passwordFile = run.Data.In("postgres.password");
        DataDirectory.WriteText(passwordFile, run.Password(PasswordName(Name)));
        await Tools.RunAsync(
            Start("initdb", "-D", next, "-U", User, "-A", "scram-sha-256", "--pwfile=" + passwordFile, "-E", "UTF8", "--locale=C.UTF-8"), cancel);
        File.Delete(passwordFile);
        Directory.Move(next, cluster);
    }

    public override ProcessStartInfo Command(RunContext run) =>
        Start("postgres", ["-D", ClusterOf(run), "-p", run.Ports[Name].ToString(CultureInfo.InvariantCulture), .. Settings.SelectMany(s => new[] { "-c", s })]);

    public override async Task<bool> IsHealthyAsync(RunContext run, CancellationToken cancel)
    {
        if (Ports.IsFree(run.Ports[Name])) return false; // spares the client's exception while nothing listens yet
        try
        {
            await using var source = NpgsqlDataSource.Create(ConnectionString(Name, "postgres", run) + ";Pooling=false");
            await using var connection = await source.OpenConnectionAsync(cancel);
            if (!_databasesExist) await CreateDatabasesAsync(connection, cancel);
            return _databasesExist = true;
        }
        catch (NpgsqlException)
        {
            return false; // still starting
        }
    }

    private static string PasswordName(string server) => server + "-password";

    private static string PasswordFile(string server, RunContext run) => run.Data.In(server + ".pgpass");

    private string ClusterOf(RunContext run) => run.Data.In(Name);

    private async Task CreateDatabasesAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        foreach (var database in server.Databases)
        {
            await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = database.Name } } };
            if (await exists.ExecuteScalarAsync(cancel) is not null) continue;
#pragma warning disable CA2100 // a name from AppHost.cs, quoted; CREATE DATABASE takes no parameters
            await using var create = new NpgsqlCommand($"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(database.Name)}", connection);
#pragma warning restore CA2100
            await create.ExecuteNonQueryAsync(cancel);
        }
    }

    /// <summary>
    /// After a kill the cluster's pid file is still there, and PostgreSQL refuses to start if another program has got that
    /// id meanwhile. The folder is ours alone, so what it names is either our own server, which is ended, or not a server of ours.
    /// </summary>
    private static async Task ClearStalePidFileAsync(string cluster, CancellationToken cancel)
    {
        var pidFile = Path.Combine(cluster, "postmaster.pid");
        if (!File.Exists(pidFile)) return;
        if (int.TryParse((await File.ReadAllLinesAsync(pidFile, cancel)).FirstOrDefault(), CultureInfo.InvariantCulture, out var id))
        {
            while (ProcFs.StartTime(id) is not null && ProcFs.CommandLine(id).Contains(cluster, StringComparison.Ordinal))
            {
                Posix.Signal(id, Posix.Quit);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancel);
            }
        }

        File.Delete(pidFile);
    }

    private ProcessStartInfo Start(string program, params string[] arguments)
    {
        var path = Tools.Find(program, "postgresql", Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))
            : []);
        string[] command = [.. _asPostgres!, path, .. arguments];
        return new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = "/" };
    }

    /// <summary>What root puts before a command to run it as user postgres, also under folders that only root may enter.</summary>
    private static async Task<string[]> BecomePostgresAsync(CancellationToken cancel)
    {
        if (!Posix.IsRoot) return [];
        var user = new[] { "setpriv", "--reuid", User, "--regid", User, "--clear-groups" };
        foreach (var capabilities in new[] { "+dac_read_search,+dac_override", "+dac_override" })
        {
            string[] command = [.. user, "--inh-caps", capabilities, "--ambient-caps", capabilities, "--"];
            if ((await Tools.TryRunAsync(new ProcessStartInfo(command[0], [.. command[1..], "true"]), cancel)).ExitCode == 0) return command;
        }

        throw new HostingException("setpriv cannot run programs as user postgres with the capability dac_override, which PostgreSQL needs here; "
            + "run the platform as an ordinary user");
    }
}
