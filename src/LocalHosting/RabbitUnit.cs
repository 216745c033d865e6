using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace BackupPlatform.LocalHosting;

/// <summary>A private RabbitMQ node with its state in the data directory.</summary>
internal sealed class RabbitUnit(RabbitMQServerResource server) : Unit(server.Name)
{
    private const string User = "platform";
    private const string Scripts = "/usr/lib/rabbitmq/bin";

    // What a client sends first; the server's answer begins with a method frame.
    private static readonly byte[] ProtocolHeader = [(byte)'A', (byte)'M', (byte)'Q', (byte)'P', 0, 0, 9, 1];

    public override IReadOnlyList<string> DependsOn => [EpmdUnit.NameFor(Name)];

    public override IReadOnlyList<string> PortNames => [Name, Name + "-distribution"];

    public static string Uri(string name, RunContext run) =>
        string.Create(CultureInfo.InvariantCulture, $"amqp://{User}:{run.Password(name + "-password")}@127.0.0.1:{run.Ports[name]}");

    public override async Task PrepareAsync(RunContext run, CancellationToken cancel)
    {
        var folder = FolderOf(run);
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        DataDirectory.WriteText(Path.Combine(folder, "rabbitmq.conf"), string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{run.Ports[Name]}
            default_user = {User}
            default_pass = {run.Password(Name + "-password")}
            log.console.level = warning

            """));
        await File.WriteAllTextAsync(Path.Combine(folder, "enabled_plugins"), "[].\n", cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "env.conf"), "", cancel);
    }

    public override ProcessStartInfo Command(RunContext run)
    {
        var folder = FolderOf(run);
        // Not the wrapper on the PATH, which wants to become another user.
        var start = new ProcessStartInfo(Tools.Find("rabbitmq-server", "rabbitmq-server", Scripts)) { WorkingDirectory = folder };
        EpmdUnit.PointTo(start, Name, run);
        start.Environment["HOME"] = folder; // of the Erlang cookie
        start.Environment["RABBITMQ_NODENAME"] = Name + "@localhost";
        start.Environment["RABBITMQ_DIST_PORT"] = run.Ports[Name + "-distribution"].ToString(CultureInfo.InvariantCulture);
        start.Environment["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "data");
        start.Environment["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log");
        start.Environment["RABBITMQ_LOGS"] = "-";
        start.Environment["RABBITMQ_CONFIG_FILE"] = Path.Combine(folder, "rabbitmq.conf");
        start.Environment["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "enabled_plugins");
        start.Environment["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(folder, "env.conf");
        start.Environment["RABBITMQ_PID_FILE"] = Path.Combine(folder, "rabbitmq.pid");
        // Schedulers that do not spin while idle: the processors are shared with everything else on the machine.
        start.Environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none";
        start.Environment["RUNNING_UNDER_SYSTEMD"] = "true"; // the script becomes the server, instead of waiting for it
        return start;
    }

    public override async Task<bool> IsHealthyAsync(RunContext run, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, run.Ports[Name], limit.Token);
            await client.GetStream().WriteAsync(ProtocolHeader, limit.Token);
            var answer = new byte[1];
            return await client.GetStream().ReadAsync(answer, limit.Token) == 1 && answer[0] == 1;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private string FolderOf(RunContext run) => run.Data.In(Name);
}

/// <summary>Erlang's name server, a private one. Run here as a process of its own, because Erlang would leave it behind.</summary>
internal sealed class EpmdUnit(string server) : Unit(NameFor(server))
{
    // A request for the names it knows: length, 'n'.
    private static readonly byte[] NamesRequest = [0, 1, (byte)'n'];

    public static string NameFor(string server) => server + "-names";

    /// <summary>Tells an Erlang program which name server to use.</summary>
    public static void PointTo(ProcessStartInfo start, string server, RunContext run)
    {
        start.Environment["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        start.Environment["ERL_EPMD_PORT"] = run.Ports[NameFor(server)].ToString(CultureInfo.InvariantCulture);
    }

    public override ProcessStartInfo Command(RunContext run)
    {
        var start = new ProcessStartInfo(Tools.Find("epmd", "rabbitmq-server")) { WorkingDirectory = "/" };
        PointTo(start, server, run);
        return start;
    }

    public override async Task<bool> IsHealthyAsync(RunContext run, CancellationToken cancel)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, run.Ports[Name], cancel);
            await client.GetStream().WriteAsync(NamesRequest, cancel);
            return await client.GetStream().ReadAsync(new byte[4], cancel) == 4;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
