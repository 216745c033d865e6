using System.Net;
using System.Net.Sockets;

namespace BackupPlatform.Platform.Tests;

/// <summary>The way to a server, which can be cut and mended.</summary>
internal sealed class Line : IDisposable
{
    private readonly int target;
    private readonly Lock gate = new();
    private readonly List<TcpClient> open = [];
    private TcpListener listener;

    public Line(int target)
    {
        this.target = target;
        listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _ = AcceptAsync(listener);
    }

    public int Port { get; }

    /// <summary>Ends all connections and takes no new ones.</summary>
    public void Cut()
    {
        listener.Stop();
        lock (gate)
        {
            open.ForEach(client => client.Dispose());
            open.Clear();
        }
    }

    public void Mend()
    {
        listener = new TcpListener(IPAddress.Loopback, Port);
        listener.Start();
        _ = AcceptAsync(listener);
    }

    public void Dispose() => Cut();

    private async Task AcceptAsync(TcpListener from)
    {
        try
        {
            while (true)
            {
                var client = await from.AcceptTcpClientAsync();
                var server = new TcpClient();
                lock (gate)
                {
                    open.Add(client);
                    open.Add(server);
                }

                await server.ConnectAsync(IPAddress.Loopback, target);
                _ = PumpAsync(client, server);
                _ = PumpAsync(server, client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
    }

    private static async Task PumpAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream());
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut, or one end left.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
