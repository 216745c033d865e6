using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace BackupPlatform.LocalHosting;

/// <summary>
/// The ports of one platform, all on the loopback interface: chosen free at its first start, kept, and used again by
/// every restart, because agents store addresses.
/// </summary>
internal sealed class Ports
{
    // Below the range from which the kernel takes ports for outgoing connections.
    private const int First = 20_000;
    private const int Last = 31_999;

    private readonly SortedDictionary<string, int> _ports;

    private Ports(SortedDictionary<string, int> ports) => _ports = ports;

    public int this[string name] => _ports[name];

    /// <summary>Reads the folder's ports and adds those that are new; checks that nobody else listens on any.</summary>
    /// <exception cref="HostingException">A port is taken.</exception>
    public static async Task<Ports> TakeAsync(DataDirectory data, IReadOnlyCollection<string> names, string? registry = null)
    {
        var ports = DataDirectory.ReadJson<SortedDictionary<string, int>>(data.PortsFile);
        var taken = names.Where(ports.ContainsKey).Where(name => !IsFree(ports[name])).Select(name => $"{ports[name]} ({name})").ToList();
        if (taken.Count > 0)
            throw new HostingException($"port {string.Join(", ", taken)} is taken by another program; this platform keeps its ports, because agents "
                + $"know them. End that program, or start with another --data. The ports are in {data.PortsFile}");

        var missing = names.Where(name => !ports.ContainsKey(name)).ToList();
        if (missing.Count == 0) return new Ports(ports);

        registry ??= Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"backup-platform-ports-{Posix.UserId}"));
        using var alone = await LockAsync(registry);
        foreach (var name in missing) ports[name] = Choose(ports.Values, registry, data);
        DataDirectory.WriteJson(data.PortsFile, ports);
        return new Ports(ports);
    }

    /// <summary>Whether this host could listen on a port.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int Choose(IEnumerable<int> own, string registry, DataDirectory data)
    {
        for (var attempt = 0; attempt < 10_000; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last + 1);
            if (own.Contains(port) || IsReserved(port, registry, data.PortsFile) || !IsFree(port)) continue;
            File.WriteAllText(Reservation(registry, port), data.PortsFile);
            return port;
        }

        throw new HostingException($"no free port between {First} and {Last}");
    }

    /// <summary>Whether another platform, running or not, has the port in its ports.json.</summary>
    private static bool IsReserved(int port, string registry, string portsFile)
    {
        var reservation = Reservation(registry, port);
        if (!File.Exists(reservation)) return false;
        var owner = File.ReadAllText(reservation);
        return owner != portsFile && File.Exists(owner) && DataDirectory.ReadJson<Dictionary<string, int>>(owner).ContainsValue(port);
    }

    private static string Reservation(string registry, int port) => Path.Combine(registry, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>One platform of a user chooses at a time, so that two that start together do not choose alike.</summary>
    private static async Task<FileStream> LockAsync(string registry)
    {
        Directory.CreateDirectory(registry, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(registry, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }
    }
}
