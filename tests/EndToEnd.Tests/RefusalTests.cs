using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>What is refused, with which code and exit status.</summary>
public sealed class RefusalTests(SharedPlatform platform)
{
    [Fact]
    public async Task GivenTamperedOrExpiredCredentials_WhenRegistering_ThenExitFive()
    {
        using var folder = new TempFolder();
        using var someone = await Operator.CreateAsync(platform);
        var vault = await someone.CreateVaultAsync();
        var credentials = await someone.DownloadCredentialsAsync(vault.Id, folder);
        var tampered = folder.Combine("tampered");
        File.WriteAllText(tampered, File.ReadAllText(credentials).Replace("<VaultName>vault<", "<VaultName>vaulT<", StringComparison.Ordinal));

        var refused = (await RegisterAsync(folder, tampered, "one")).Expect(5);
        Assert.Equal("credentials-invalid", refused.Failure.GetProperty("code").GetString());

        await platform.SetClockAsync("P2DT1M");
        try
        {
            refused = (await RegisterAsync(folder, credentials, "two")).Expect(5);
            Assert.Equal("credentials-expired", refused.Failure.GetProperty("code").GetString());
        }
        finally
        {
            await platform.SetClockAsync("PT0S");
        }
    }

    [Fact]
    public async Task GivenNoPlatform_WhenBackingUp_ThenExitEight()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(machine.Source);
        await machine.BackUpAsync();
        var executable = platform.Endpoints.Agent;
        await platform.StopAsync();
        try
        {
            var agent = new AgentProcess(
                executable,
                machine.Agent.Home,
                new Dictionary<string, string?> { ["BACKUP_AGENT_PATIENCE"] = "PT2S" });
            var failed = (await agent.RunAsync("backup", machine.Source)).Expect(8);
            Assert.Equal("unavailable", failed.Failure.GetProperty("code").GetString());
        }
        finally
        {
            await platform.InitializeAsync();
        }

        await machine.BackUpAsync();
        await machine.RestoreAndCompareAsync();
        Assert.Equal(2, (await machine.Operator.RecoveryPointsAsync(machine.MachineId)).Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("garbage")]
    [InlineData("eyJhbGciOiJub25lIn0.e30.")]
    public async Task GivenNoValidToken_WhenReading_ThenUnauthenticated(string? token)
    {
        using var client = Operator.Client(platform, token);

        var answer = await ReadAsync(client, "api/vaults/{0}", Fresh());

        Assert.Equal((HttpStatusCode.Unauthorized, "unauthenticated"), (answer.Status, answer.Code));
    }

    private static string Fresh() => Guid.CreateVersion7().ToString();

    private static async Task<(HttpStatusCode Status, string? Code, string? Detail)> ReadAsync(HttpClient client, string path, params string[] ids)
    {
        using var response = await client.GetAsync(new Uri(string.Format(null, path, ids), UriKind.Relative));
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        return (response.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("detail").GetString());
    }

    private Task<AgentResult> RegisterAsync(TempFolder folder, string credentials, string home) => platform.Agent(folder.Combine(home)).RunAsync(
        "register", "--credentials", credentials, "--name", home, "--generate-passphrase", "--passphrase-out", folder.Combine(home + ".pass"));
}
