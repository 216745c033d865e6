using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Identities that end: of machines, of credentials, of vaults. Through the portal, with the real agent.</summary>
public sealed class IdentityTests(SharedPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenADeregisteredMachine_WhenItBacksUp_ThenExitFiveAndItsPointsStayAndSoDoesItsVault()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(machine.Source);
        await machine.BackUpAsync();
        using var operators = Operator.Client(platform, platform.Endpoints.OperatorToken);

        using var gone = await operators.DeleteAsync(new Uri($"api/machines/{machine.MachineId}", UriKind.Relative), Stop);

        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        var failure = (await machine.Agent.RunAsync("backup", machine.Source)).Expect(5).Failure;
        Assert.Equal(ProblemCodes.Unauthenticated, failure.GetProperty("code").GetString());
        Assert.Single(await machine.Operator.RecoveryPointsAsync(machine.MachineId));
        Assert.Equal(HttpStatusCode.Conflict, await DeleteVaultAsync(operators, machine.VaultId));
        var machines = await machine.Operator.GetAsync($"api/vaults/{machine.VaultId}/machines?state={nameof(MachineState.Deregistered)}");
        Assert.Equal(machine.MachineId, Assert.Single(machines.GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task GivenAVaultWithoutRecoveryPoints_WhenDeleted_ThenItsMachineHasEndedAndItsNameIsFree()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        Directory.CreateDirectory(machine.Source);
        using var operators = Operator.Client(platform, platform.Endpoints.OperatorToken);

        Assert.Equal(HttpStatusCode.NoContent, await DeleteVaultAsync(operators, machine.VaultId));

        using (var read = await operators.GetAsync(new Uri($"api/vaults/{machine.VaultId}", UriKind.Relative), Stop))
        {
            Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        }

        Assert.NotEqual(machine.VaultId, (await machine.Operator.CreateVaultAsync()).Id);
        AgentResult result;
        do
        {
            // The news is on its way; a backup that was faster finds the vault closed.
            result = await machine.Agent.RunAsync("backup", machine.Source);
        }
        while (result.Failure.GetProperty("code").GetString() != ProblemCodes.Unauthenticated);

        result.Expect(5);
    }

    [Fact]
    public async Task GivenRevokedCredentials_WhenRegistering_ThenExitFiveAndOtherCredentialsStillWork()
    {
        using var folder = new TempFolder();
        using var someone = await Operator.CreateAsync(platform);
        using var operators = Operator.Client(platform, platform.Endpoints.OperatorToken);
        var vault = await someone.CreateVaultAsync();
        var revoked = await someone.DownloadCredentialsAsync(vault.Id, folder);
        var kept = await someone.DownloadCredentialsAsync(vault.Id, folder);
        var id = VaultCredentialsFile.TryParse(await File.ReadAllTextAsync(revoked, Stop), out _)!.CredentialsId;

        using var answer = await operators.DeleteAsync(new Uri($"api/vaults/{vault.Id}/credentials/{id}", UriKind.Relative), Stop);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        AgentResult result;
        for (var attempt = 0; (result = await RegisterAsync(revoked, $"early-{attempt}")).ExitCode == 0; attempt++)
        {
            // The news is on its way.
        }

        Assert.Equal(ProblemCodes.CredentialsRevoked, result.Expect(5).Failure.GetProperty("code").GetString());
        (await RegisterAsync(kept, "kept")).Expect();

        Task<AgentResult> RegisterAsync(string credentials, string name) => platform.Agent(folder.Combine(name)).RunAsync(
            "register", "--credentials", credentials, "--name", name, "--generate-passphrase", "--passphrase-out", folder.Combine(name + ".pass"));
    }

    private static async Task<HttpStatusCode> DeleteVaultAsync(HttpClient client, Guid vaultId)
    {
        var accepted = false;
        while (true)
        {
            using var answer = await client.DeleteAsync(new Uri($"api/vaults/{vaultId}", UriKind.Relative), Stop);
            if (answer.StatusCode != HttpStatusCode.Accepted)
            {
                // Decided between two calls.
                return accepted && answer.StatusCode == HttpStatusCode.NotFound ? HttpStatusCode.NoContent : answer.StatusCode;
            }

            accepted = true;
        }
    }
}
