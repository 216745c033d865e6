using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace BackupPlatform.Testing;

/// <summary>A RabbitMQ node of the tests' own, with its data in a temporary folder, on free loopback ports. An assembly fixture.</summary>
public sealed class RabbitServer : IAsyncLifetime
{
    // Erlang would start its name server as a daemon that stays behind; started here first, it ends with the group.
    private const string Script = """
        epmd & exec /usr/lib/rabbitmq/bin/rabbitmq-server
        """;

    // What a client sends first. A server that is ready answers with a method frame, which begins with 1.
    private static readonly byte[] ProtocolHeader = [.. "AMQP"u8, 0, 0, 9, 1];

    private readonly TempFolder _folder = new("rabbit");
    private GuardedProcess? _server;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>The address for clients, with user and password.</summary>
    public Uri Uri => new(string.Create(CultureInfo.InvariantCulture, $"amqp://guest:guest@127.0.0.1:{Port}"));

    /// <summary>Starts the node.</summary>
    public async ValueTask InitializeAsync()
    {
        int[] ports = FreePort.Take(3);
        Port = ports[0];
        await File.WriteAllTextAsync(_folder.Combine("rabbitmq.conf"), $"listeners.tcp.1 = 127.0.0.1:{Port}\nlog.console.level = warning\n");
        await File.WriteAllTextAsync(_folder.Combine("enabled_plugins"), "[].\n");
        await File.WriteAllTextAsync(_folder.Combine("env.conf"), "");
        _server = GuardedProcess.Start(["sh", "-c", Script], Variables(ports[1], ports[2]), workingDirectory: _folder);
        await _server.WaitUntilAsync(AnswersAsync, TimeSpan.FromMinutes(2));
    }

    /// <summary>Stops the node and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }

    private Dictionary<string, string?> Variables(int distributionPort, int namesPort) => new()
    {
        ["HOME"] = _folder,
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["ERL_EPMD_PORT"] = namesPort.ToString(CultureInfo.InvariantCulture),
        ["RABBITMQ_NODENAME"] = string.Create(CultureInfo.InvariantCulture, $"test{Port}@localhost"),
        ["RABBITMQ_DIST_PORT"] = distributionPort.ToString(CultureInfo.InvariantCulture),
        ["RABBITMQ_MNESIA_BASE"] = _folder.Combine("data"),
        ["RABBITMQ_LOG_BASE"] = _folder.Combine("log"),
        ["RABBITMQ_LOGS"] = "-",
        ["RABBITMQ_CONFIG_FILE"] = _folder.Combine("rabbitmq.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = _folder.Combine("enabled_plugins"),
        ["RABBITMQ_CONF_ENV_FILE"] = _folder.Combine("env.conf"),
        ["RABBITMQ_PID_FILE"] = _folder.Combine("rabbitmq.pid"),
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
        // The script becomes the server instead of waiting for it.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
    };

    private async Task<bool> AnswersAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
            await client.GetStream().WriteAsync(ProtocolHeader, limit.Token);
            var answer = new byte[1];
            return await client.GetStream().ReadAsync(answer, limit.Token) == 1 && answer[0] == 1;
        }
        catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
