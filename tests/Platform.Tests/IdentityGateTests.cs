using System.Net;
using System.Net.Http.Headers;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Platform.Tests;

/// <summary>What has ended elsewhere is refused by every replica of a service, whatever order the news come in, also after a restart.</summary>
public sealed class IdentityGateTests(Servers servers)
{
    private readonly string database = servers.NewDatabase("gate");
    private readonly string name = $"gate-{Guid.NewGuid():N}";
    private readonly Guid vault = Guid.CreateVersion7();
    private readonly Guid subscription = Guid.CreateVersion7();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAMachineThatEnds_WhenTheNewsComeTwiceAndOutOfOrder_ThenOnlyALaterGenerationPassesAtAnyReplica()
    {
        await using var one = await StartAsync();
        await using var other = await StartAsync();
        await using var bus = await BusEar.StartAsync(servers.Rabbit.Uri, (_, _) => { });
        var id = Guid.CreateVersion7();
        Assert.Null(await one.Gate.CheckAsync(Machine(id, 1), Stop));
        Assert.Null(await other.Gate.CheckAsync(Machine(id, 1), Stop));

        for (var times = 0; times < 2; times++)
        {
            await bus.PublishAsync(new MachineReplaced(id, 4, DateTimeOffset.UnixEpoch, subscription, vault, "m", "Etc/UTC", 3));
            await bus.PublishAsync(new MachineDeregistered(id, 2, DateTimeOffset.UnixEpoch, subscription, vault, 1));
            await bus.PublishAsync(new MachineReplaced(id, 3, DateTimeOffset.UnixEpoch, subscription, vault, "m", "Etc/UTC", 2));
        }

        foreach (var replica in new[] { one, other })
        {
            await RefusedAsync(replica, Machine(id, 2), ProblemCodes.Unauthenticated);
            await RefusedAsync(replica, Machine(id, 1), ProblemCodes.Unauthenticated);
            Assert.Null(await replica.Gate.CheckAsync(Machine(id, 3), Stop));
            Assert.Null(await replica.Gate.CheckAsync(Recovery(id, Guid.CreateVersion7()), Stop));
        }
    }

    [Fact]
    public async Task GivenRevokedCredentialsAndADeletedVault_WhenTheServiceStartsAgain_ThenItStillRefuses()
    {
        await using var bus = await BusEar.StartAsync(servers.Rabbit.Uri, (_, _) => { });
        var (machine, credentials) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await using (var before = await StartAsync())
        {
            Assert.Null(await before.Gate.CheckAsync(Recovery(machine, credentials), Stop));
            await bus.PublishAsync(new VaultCredentialsRevoked(vault, 7, DateTimeOffset.UnixEpoch, subscription, credentials));
            await RefusedAsync(before, Recovery(machine, credentials), ProblemCodes.CredentialsRevoked);
            Assert.Null(await before.Gate.CheckAsync(Recovery(machine, Guid.CreateVersion7()), Stop));
            await bus.PublishAsync(new VaultDeleted(vault, 9, DateTimeOffset.UnixEpoch, subscription));
            await RefusedAsync(before, Machine(machine, 1), ProblemCodes.Unauthenticated);
        }

        await using var after = await StartAsync();
        Assert.Equal(ProblemCodes.CredentialsRevoked, (await after.Gate.CheckAsync(Recovery(machine, credentials), Stop))?.Code);
        Assert.Equal(ProblemCodes.Unauthenticated, (await after.Gate.CheckAsync(Machine(machine, 99), Stop))?.Code);
        Assert.Equal(ProblemCodes.Unauthenticated, (await after.Gate.CheckAsync(Recovery(machine, Guid.CreateVersion7()), Stop))?.Code);
        Assert.Null(await after.Gate.CheckAsync(new Caller.SubscriptionOperator(subscription), Stop));
    }

    [Fact]
    public async Task GivenTokensThatAreNone_WhenShownTooOften_ThenRateLimitedAndTheOperatorIsNot()
    {
        await using var service = await CounterService.StartAsync(name, database, servers.Rabbit.Uri, settings: new Dictionary<string, string?>
        {
            ["Limits:FailedAuthenticationsPerAddressPerMinute"] = "3",
            ["Identity:PlatformOperatorToken"] = "the operator",
        });
        using var guesser = Client(service, "guess");
        using var operators = Client(service, "the operator");

        HttpResponseMessage answer;
        for (var guesses = 0; (answer = await guesser.GetAsync(service.Address, Stop)).StatusCode == HttpStatusCode.Unauthorized; guesses++)
        {
            Assert.True(guesses < 100, "Never refused.");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.NotFound, (await operators.GetAsync(service.Address, Stop)).StatusCode);
    }

    private Caller.Machine Machine(Guid id, int generation) => new(id, vault, subscription, generation);

    private Caller.Recovery Recovery(Guid machine, Guid credentials) =>
        new(machine, vault, subscription, credentials, DateTimeOffset.MaxValue);

    private Task<CounterService> StartAsync() => CounterService.StartAsync(name, database, servers.Rabbit.Uri);

    private static async Task RefusedAsync(CounterService service, Caller caller, string code) => await Eventually.GetAsync(
        async () => (await service.Gate.CheckAsync(caller, Stop))?.Code, found => found == code);

    private static HttpClient Client(CounterService service, string token)
    {
        var client = new HttpClient { BaseAddress = service.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }
}
