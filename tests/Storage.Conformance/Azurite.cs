using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using BackupPlatform.Testing;
using Xunit.Sdk;
using Xunit.v3;

[assembly: SupportedOSPlatform("linux")]
// Peak memory is measured for the whole process: another test at the same time would be counted too.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace BackupPlatform.Storage.Conformance;

/// <summary>
/// The emulator of Azure Blob Storage on a free loopback port, with its data in a temporary folder. Taken from AZURITE_BIN, or from
/// node_modules beside this suite, which is installed once from package-lock.json if it is missing.
/// </summary>
public sealed partial class Azurite : IAsyncLifetime
{
    // The account and key are Azurite's documented ones, the same everywhere.
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private readonly TempFolder _data = new("azurite");
    private GuardedProcess? _server;

    /// <summary>For <see cref="BlobStores.OpenAsync"/>; without a container.</summary>
    public string ConnectionString { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        string executable = await ExecutableAsync();
        // Port 0: the system picks free ones, and Azurite says which.
        _server = GuardedProcess.Start(
        [
            executable, "--blobHost", "127.0.0.1", "--blobPort", "0", "--queuePort", "0", "--tablePort", "0",
            "--location", _data, "--skipApiVersionCheck", "--disableTelemetry", "--silent",
        ]);
        string address = await _server.WaitForLineAsync(
            line => Listening().Match(line) is { Success: true } match ? match.Groups[1].Value : null,
            TimeSpan.FromMinutes(1),
            TestContext.Current.CancellationToken);
        ConnectionString =
            $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={address}/{Account}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _data.Dispose();
    }

    private static async Task<string> ExecutableAsync()
    {
        if (Environment.GetEnvironmentVariable("AZURITE_BIN") is { Length: > 0 } given) return given;
        string folder = Repository.Combine("tests", "Storage.Conformance");
        string executable = Path.Combine(folder, "node_modules", ".bin", "azurite");
        if (!File.Exists(executable))
        {
            await GuardedProcess.RunAsync(
                ["npm", "ci", "--no-audit", "--no-fund"], workingDirectory: folder, cancellationToken: TestContext.Current.CancellationToken);
        }
        return executable;
    }

    [GeneratedRegex(@"Blob service is successfully listening at (http://\S+)")]
    private static partial Regex Listening();
}
