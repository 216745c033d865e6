using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Vaults;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Vault.Tests;

/// <summary>Deleting vaults, with the test in the place of ingest.</summary>
public sealed class DeleteVaultTests(VaultFixture vault)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAnEmptyVault_WhenDeleted_ThenItIsNoMoreAndPlaceAndNameAreFree()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var created = await CreateAsync(client, subscription.Id, "the name");
        await using var ingest = await Ingest.StartAsync(vault, created.Id, recoveryPoints: 0);

        var answer = await DecidedAsync(client, created.Id);

        Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.NoContent, HttpStatusCode.NotFound });
        foreach (var gone in new[]
        {
            await client.GetAsync($"/api/vaults/{created.Id}", Stop),
            await client.DeleteAsync($"/api/vaults/{created.Id}", Stop),
            await client.PostAsync($"/api/vaults/{created.Id}/credentials", null, Stop),
            await client.GetAsync($"/api/vaults/{created.Id}/credentials", Stop),
            await client.DeleteAsync($"/api/vaults/{created.Id}/credentials/{created.Id}", Stop),
        })
        {
            await VaultServiceTests.RefusedAsync(gone, HttpStatusCode.NotFound, ProblemCodes.NotFound);
        }

        Assert.Empty((await client.GetFromJsonAsync<Page<VaultDocument>>(
            $"/api/subscriptions/{subscription.Id}/vaults", ContractsJson.Default.Options, Stop))!.Items);
        Assert.NotEqual(created.Id, (await CreateAsync(client, subscription.Id, "the name")).Id);
        await ingest.HeardAsync<VaultDeleted>();
    }

    [Fact]
    public async Task GivenAVaultThatHoldsRecoveryPoints_WhenDeleted_ThenConflictAndItStaysOpen()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var created = await CreateAsync(client, subscription.Id, "v");
        await using var ingest = await Ingest.StartAsync(vault, created.Id, recoveryPoints: 3);

        for (var i = 0; i < 2; i++)
        {
            var refused = await VaultServiceTests.RefusedAsync(
                await DecidedAsync(client, created.Id), HttpStatusCode.Conflict, ProblemCodes.Conflict);
            Assert.Contains("3 recovery points", refused.Detail, StringComparison.Ordinal);
        }

        await ingest.HeardAsync<VaultReopened>();
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync($"/api/vaults/{created.Id}/credentials", null, Stop)).StatusCode);
    }

    [Fact]
    public async Task GivenAnIngestThatIsAway_WhenDeleted_ThenAcceptedAndDecidedByItsAnswerOnly()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var created = await CreateAsync(client, subscription.Id, "v");
        await using var ingest = await Ingest.StartAsync(vault, created.Id, recoveryPoints: null);

        Assert.Equal(HttpStatusCode.Accepted, (await client.DeleteAsync($"/api/vaults/{created.Id}", Stop)).StatusCode);
        await VaultServiceTests.RefusedAsync(
            await client.PostAsync($"/api/vaults/{created.Id}/credentials", null, Stop), HttpStatusCode.Conflict, ProblemCodes.Conflict);
        var asked = await ingest.HeardAsync<VaultClosing>();
        var answer = new VaultClosingAnswered(created.Id, 1, asked.At, created.Id, asked.Version, RecoveryPoints: 0);
        await vault.PublishAsync(answer with { VaultVersion = asked.Version - 1 });
        await vault.PublishAsync(answer with { VaultVersion = asked.Version + 1 });
        await vault.PublishAsync(answer with { RecoveryPoints = 2 });
        await ingest.HeardAsync<VaultReopened>();

        // The answer to the question of before comes late: the vault has been found to hold points since.
        await vault.PublishAsync(answer);
        ingest.Forget<VaultClosing>();
        Assert.Equal(HttpStatusCode.Accepted, (await client.DeleteAsync($"/api/vaults/{created.Id}", Stop)).StatusCode);
        await vault.PublishAsync(answer);
        var again = await ingest.HeardAsync<VaultClosing>();
        Assert.True(again.Version > asked.Version);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"/api/vaults/{created.Id}", Stop)).StatusCode);
        await vault.PublishAsync(answer with { VaultVersion = again.Version });
        await vault.PublishAsync(answer with { VaultVersion = again.Version });
        var deleted = await ingest.HeardAsync<VaultDeleted>();
        await vault.PublishAsync(answer with { VaultVersion = again.Version, RecoveryPoints = 5 });
        Assert.Equal(subscription.Id, deleted.SubscriptionId);
        await VaultServiceTests.RefusedAsync(
            await client.GetAsync($"/api/vaults/{created.Id}", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenTenDeletionsAtOnceAtTwoReplicas_WhenAnswered_ThenIngestIsAskedOnce()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var other = vault.SecondClient(subscription.OperatorToken);
        var created = await CreateAsync(client, subscription.Id, "v");
        await using var ingest = await Ingest.StartAsync(vault, created.Id, recoveryPoints: 0);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(
            i => (i % 2 == 0 ? client : other).DeleteAsync($"/api/vaults/{created.Id}", Stop)));

        Assert.All(answers, answer => Assert.Contains(
            answer.StatusCode, new[] { HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.Accepted }));
        await ingest.HeardAsync<VaultDeleted>();
        Assert.Single(ingest.Heard.OfType<VaultClosing>().DistinctBy(asked => asked.Version));
    }

    [Fact]
    public async Task GivenAnotherTenantsVault_WhenDeleted_ThenNotFound()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var (_, stranger) = await vault.SubscribeAsync();
        var created = await CreateAsync(client, subscription.Id, "v");

        await VaultServiceTests.RefusedAsync(
            await stranger.DeleteAsync($"/api/vaults/{created.Id}", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"/api/vaults/{created.Id}", Stop)).StatusCode);
    }

    /// <summary>Repeats a deletion that is under way until it is decided; one that was decided meanwhile finds no vault.</summary>
    private static async Task<HttpResponseMessage> DecidedAsync(HttpClient client, Guid vaultId)
    {
        while (true)
        {
            var answer = await client.DeleteAsync($"/api/vaults/{vaultId}", Stop);
            if (answer.StatusCode != HttpStatusCode.Accepted)
            {
                return answer;
            }
        }
    }

    private static async Task<VaultDocument> CreateAsync(HttpClient client, Guid subscription, string name)
    {
        var answer = await VaultFixture.CreateVaultAsync(client, subscription, name);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<VaultDocument>(ContractsJson.Default.Options, Stop))!;
    }

    /// <summary>Hears what the vault service tells of one vault, and answers in ingest's place.</summary>
    private sealed class Ingest : IAsyncDisposable
    {
        private readonly ConcurrentQueue<IContract> heard = [];
        private readonly ConcurrentDictionary<Type, int> forgotten = [];
        private HostReceiveEndpointHandle? endpoint;

        public IReadOnlyList<IContract> Heard => [.. heard];

        /// <param name="recoveryPoints">What it answers; null: it does not.</param>
        public static async Task<Ingest> StartAsync(VaultFixture vault, Guid vaultId, long? recoveryPoints)
        {
            var ingest = new Ingest();
            var bus = vault.Services.GetRequiredService<IBus>();
            Task HearAsync(IContract fact)
            {
                if (fact.StreamId == vaultId) ingest.heard.Enqueue(fact);
                return Task.CompletedTask;
            }

            ingest.endpoint = bus.ConnectReceiveEndpoint(new TemporaryEndpointDefinition(), null, receive =>
            {
                receive.Handler<VaultClosing>(async context =>
                {
                    await HearAsync(context.Message);
                    if (recoveryPoints is { } points && context.Message.StreamId == vaultId)
                    {
                        await context.Publish(new VaultClosingAnswered(
                            vaultId, 1, context.Message.At, vaultId, context.Message.Version, points));
                    }
                });
                receive.Handler<VaultReopened>(context => HearAsync(context.Message));
                receive.Handler<VaultDeleted>(context => HearAsync(context.Message));
            });
            await ingest.endpoint.Ready;
            return ingest;
        }

        /// <summary>Only what comes later counts.</summary>
        public void Forget<T>() => forgotten[typeof(T)] = heard.OfType<T>().Count();

        /// <summary>The first of a kind that was not forgotten, waited for.</summary>
        public async Task<T> HeardAsync<T>()
        {
            var started = TimeProvider.System.GetTimestamp();
            while (true)
            {
                if (heard.OfType<T>().Skip(forgotten.GetValueOrDefault(typeof(T))).FirstOrDefault() is { } fact)
                {
                    return fact;
                }

                Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"{typeof(T).Name} was not heard.");
                await Task.Delay(50, Stop);
            }
        }

        public async ValueTask DisposeAsync() => await endpoint!.StopAsync(CancellationToken.None);
    }
}
