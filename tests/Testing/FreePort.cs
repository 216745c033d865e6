using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace BackupPlatform.Testing;

/// <summary>Loopback ports for servers that cannot be told to pick one.</summary>
public static class FreePort
{
    // Below the ports from which the kernel takes those of outgoing connections, and those of platforms that are started by script:
    // test projects run beside each other, and what is free must still be so when the server comes up.
    private const int First = 10_000;
    private const int Last = 19_999;

    /// <summary>Distinct ports on which nothing listened a moment ago.</summary>
    /// <exception cref="InvalidOperationException">Too few are free.</exception>
    public static int[] Take(int count)
    {
        var taken = new List<TcpListener>();
        try
        {
            for (var attempt = 0; taken.Count < count; attempt++)
            {
                if (attempt > 1_000) throw new InvalidOperationException($"Too few free ports between {First} and {Last}.");
                if (TryListen(RandomNumberGenerator.GetInt32(First, Last + 1)) is { } listener) taken.Add(listener);
            }

            return [.. taken.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in taken) listener.Dispose();
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

    private static TcpListener? TryListen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return listener;
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }
}
