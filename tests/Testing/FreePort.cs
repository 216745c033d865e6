using System.Net;
using System.Net.Sockets;

namespace BackupPlatform.Testing;

/// <summary>Loopback ports for servers that cannot be told to pick one.</summary>
public static class FreePort
{
    /// <summary>Distinct ports on which nothing listened a moment ago.</summary>
    public static int[] Take(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener listener in listeners) listener.Start();
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in listeners) listener.Dispose();
        }
    }

    /// <summary>Whether something on loopback accepts connections on the port.</summary>
    public static async Task<bool> IsListeningAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
