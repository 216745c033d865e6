using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Testing;

namespace BackupPlatform.Registration.Tests;

/// <summary>What can be guessed or flooded is answered so often and no more.</summary>
public sealed class RateLimitTests(RegistrationFixture platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAPassphraseThatIsTried_WhenTooOften_ThenRateLimitedForThatMachineAlone()
    {
        await using var service = Limited("RecoveriesPerMachinePerMinute", 3);
        using var client = service.CreateClient();
        var vault = await platform.CreateVaultAsync();
        var (machine, other) = (new TestMachine(), new TestMachine());
        await machine.RegisterAsync(client, vault.Credentials, "machine");
        await other.RegisterAsync(client, vault.Credentials, "other");

        await UntilRefusedAsync(3, () => client.PostAsJsonAsync("/api/recovery-challenges", new OpenRecovery(vault.Credentials, "machine"), Stop));
        await UntilRefusedAsync(3, () => machine.RequestRecoveryAsync(client, other.RecoverWith(vault.Credentials, "guess")));
        await UntilRefusedAsync(3, () => machine.ReplaceAsync(client, other.ReplaceBy(other, vault.Credentials, "guess")));
        await UntilRefusedAsync(3, () => client.PostAsJsonAsync("/api/recovery-challenges", new OpenRecovery(vault.Credentials, "guess"), Stop));

        await other.RecoveryTokenAsync(client, vault.Credentials);
    }

    [Fact]
    public async Task GivenTokensThatAreAskedFor_WhenTooOften_ThenRateLimitedForThatMachineAlone()
    {
        await using var service = Limited("TokensPerMachinePerMinute", 2);
        using var client = service.CreateClient();
        var vault = await platform.CreateVaultAsync();
        var (machine, other) = (new TestMachine(), new TestMachine());
        await other.RegisterAsync(client, vault.Credentials);

        await UntilRefusedAsync(2, () => client.PostAsync($"/api/machines/{machine.Id}/token-challenges", null, Stop));

        await other.TokenAsync(client);
    }

    [Fact]
    public async Task GivenCredentialsThatRegister_WhenTooOften_ThenRateLimited()
    {
        await using var service = Limited("RegistrationsPerCredentialsPerMinute", 2);
        using var client = service.CreateClient();
        var vault = await platform.CreateVaultAsync();

        await UntilRefusedAsync(2, () => new TestMachine().RegisterAsync(client, vault.Credentials, "same name"));
    }

    [Fact]
    public async Task GivenAnAddressThatAsks_WhenTooOften_ThenRateLimitedWhateverItAsks()
    {
        await using var service = Limited("UnprovenRequestsPerAddressPerMinute", 4);
        using var client = service.CreateClient();

        await UntilRefusedAsync(4, () => client.PostAsync($"/api/machines/{Guid.CreateVersion7()}/token-challenges", null, Stop));

        await RegistrationFixture.RefusedAsync(
            await new TestMachine().RegisterAsync(client, "garbage"), HttpStatusCode.TooManyRequests, ProblemCodes.RateLimited);
    }

    /// <summary>Of a bucket that fills while it is emptied at least so many are answered, and soon one is not.</summary>
    private static async Task UntilRefusedAsync(int free, Func<Task<HttpResponseMessage>> ask)
    {
        for (var i = 0; i < 100; i++)
        {
            using var answer = await ask();
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                await RegistrationFixture.RefusedAsync(answer, HttpStatusCode.TooManyRequests, ProblemCodes.RateLimited);
                Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
                Assert.True(i >= free, $"Refused after {i}.");
                return;
            }
        }

        Assert.Fail("Never refused.");
    }

    private RunningService<RegistrationService.Limits> Limited(string limit, int perMinute) => platform.StartReplica(
        new Dictionary<string, string> { [$"Limits:{limit}"] = perMinute.ToString(System.Globalization.CultureInfo.InvariantCulture) });
}
