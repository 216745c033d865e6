using System.Net;
using System.Net.Sockets;

namespace BackupPlatform.LocalHosting.Tests;

public sealed class PortsTests
{
    private static readonly string[] Names = ["portal", "vault", "registration", "ingest", "retention", "restore", "postgres", "bus"];

    [Fact]
    public async Task GivenManyPlatformsThatStartTogether_WhenTheyChoosePorts_ThenNoTwoHaveOneInCommon()
    {
        var folder = Directory.CreateTempSubdirectory("ports-").FullName;
        try
        {
            var chosen = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
            {
                using var data = await DataDirectory.OpenAsync(Path.Combine(folder, $"platform-{i}"));
                var ports = await Ports.TakeAsync(data, Names, Path.Combine(folder, "registry"));
                return Names.Select(name => ports[name]).ToList();
            })));

            var all = chosen.SelectMany(ports => ports).ToList();
            Assert.Equal(all.Count, all.Distinct().Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task GivenChosenPorts_WhenAPartIsAdded_ThenTheOthersKeepTheirs()
    {
        var folder = Directory.CreateTempSubdirectory("ports-").FullName;
        try
        {
            using var data = await DataDirectory.OpenAsync(Path.Combine(folder, "platform"));
            var before = await Ports.TakeAsync(data, Names[1..], Path.Combine(folder, "registry"));
            var after = await Ports.TakeAsync(data, Names, Path.Combine(folder, "registry"));
            Assert.Equal(Names[1..].Select(name => before[name]), Names[1..].Select(name => after[name]));
            Assert.DoesNotContain(after[Names[0]], Names[1..].Select(name => after[name]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task GivenAPortThatWasListenedOnAndIsClosedWithConnectionsStillWaiting_WhenAsked_ThenItIsFree()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.False(Ports.IsFree(port));
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            using var accepted = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            accepted.Close(); // closed by the server first: its side of the connection lingers
        }

        listener.Stop();
        Assert.True(Ports.IsFree(port));
    }
}
