using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Vault.Tests;

/// <summary>The vault service's API, on a real database and bus.</summary>
public sealed class VaultServiceTests(VaultFixture vault)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Given30CreationsAtOnceAtTwoReplicas_WhenTheLimitIs25_ThenExactly25Succeed()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var other = vault.SecondClient(subscription.OperatorToken);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(
            i => VaultFixture.CreateVaultAsync(i % 2 == 0 ? client : other, subscription.Id, $"vault {i}")));

        Assert.Equal(25, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        var refused = answers.Where(answer => answer.StatusCode != HttpStatusCode.Created).ToList();
        Assert.Equal(5, refused.Count);
        foreach (var answer in refused)
        {
            await RefusedAsync(answer, HttpStatusCode.Conflict, ProblemCodes.VaultLimit);
        }

        var listed = await client.GetFromJsonAsync<Page<VaultDocument>>($"/api/subscriptions/{subscription.Id}/vaults", ContractsJson.Default.Options, Stop);
        Assert.Equal(25, listed!.Items.DistinctBy(item => item.Id).Count());
    }

    [Fact]
    public async Task GivenTenCreationsOfOneNameAtOnce_WhenTheyRace_ThenOneWins()
    {
        var (subscription, client) = await vault.SubscribeAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(
            _ => VaultFixture.CreateVaultAsync(client, subscription.Id, "the name")));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await RefusedAsync(answer, HttpStatusCode.Conflict, ProblemCodes.Conflict);
        }
    }

    [Theory]
    [InlineData(null, "LRS", "name")]
    [InlineData("", "LRS", "name")]
    [InlineData("  ", "LRS", "name")]
    [InlineData("a\nb", "LRS", "name")]
    [InlineData("a\0b", "LRS", "name")]
    [InlineData("v", null, "redundancy")]
    [InlineData("v", "lrs", "redundancy")]
    [InlineData("v", "7", "redundancy")]
    [InlineData("v", "LRS,GRS", "redundancy")]
    [InlineData("v", "1", "redundancy")]
    [InlineData("v", " GRS", "redundancy")]
    public async Task GivenAFieldThatWillNotDo_WhenCreatingAVault_ThenInvalidNamesTheField(string? name, string? redundancy, string field)
    {
        var (subscription, client) = await vault.SubscribeAsync();

        var problem = await RefusedAsync(
            await VaultFixture.CreateVaultAsync(client, subscription.Id, name, redundancy), HttpStatusCode.BadRequest, ProblemCodes.Invalid);

        Assert.Equal([field], problem.Errors!.Keys);
    }

    [Fact]
    public async Task GivenAnotherTenantsIds_WhenReadingOrWriting_ThenTheyAnswerLikeNone()
    {
        var (mine, client) = await vault.SubscribeAsync();
        var (_, stranger) = await vault.SubscribeAsync();
        var created = await VaultFixture.CreateVaultAsync(client, mine.Id, "v");
        var id = (await created.Content.ReadFromJsonAsync<VaultDocument>(ContractsJson.Default.Options, Stop))!.Id;
        var none = Guid.CreateVersion7(DateTimeOffset.UnixEpoch);

        foreach (var path in new[] { "/api/vaults/{0}", "/api/subscriptions/{0}/vaults" })
        {
            var real = path.StartsWith("/api/vaults", StringComparison.Ordinal) ? id : mine.Id;
            var foreign = await stranger.GetAsync(string.Format(null, path, real), Stop);
            var missing = await stranger.GetAsync(string.Format(null, path, none), Stop);
            await RefusedAsync(foreign, HttpStatusCode.NotFound, ProblemCodes.NotFound);
            Assert.Equal(await missing.Content.ReadAsStringAsync(Stop), await foreign.Content.ReadAsStringAsync(Stop));
        }

        await RefusedAsync(await stranger.PostAsync($"/api/vaults/{id}/credentials", null, Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RefusedAsync(await VaultFixture.CreateVaultAsync(stranger, mine.Id, "w"), HttpStatusCode.NotFound, ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenCallersOfEachKind_WhenListingSubscriptions_ThenEachSeesItsOwn()
    {
        var (mine, client) = await vault.SubscribeAsync();
        await vault.SubscribeAsync();

        var own = await client.GetFromJsonAsync<Page<SubscriptionDocument>>("/api/subscriptions", ContractsJson.Default.Options, Stop);

        Assert.Equal(mine.Id, Assert.Single(own!.Items).Id);
        Assert.Contains(await AllAsync(vault.Platform()), subscription => subscription.Id == mine.Id);
        await RefusedAsync(await vault.Client(null).GetAsync("/api/subscriptions", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        await RefusedAsync(await vault.Client("garbage").GetAsync("/api/subscriptions", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        await RefusedAsync(
            await client.PostAsJsonAsync("/api/subscriptions", new CreateSubscription("x"), Stop), HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
    }

    [Fact]
    public async Task GivenAVault_WhenCreated_ThenTheBusTellsOfIt()
    {
        var heard = new TaskCompletionSource<ConsumeContext<VaultCreated>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (subscription, client) = await vault.SubscribeAsync();
        var endpoint = vault.Services.GetRequiredService<IBus>().ConnectReceiveEndpoint(new TemporaryEndpointDefinition(), null, receive =>
            receive.Handler<VaultCreated>(context =>
            {
                if (context.Message.SubscriptionId == subscription.Id) heard.TrySetResult(context);
                return Task.CompletedTask;
            }));
        await endpoint.Ready;

        var answer = await VaultFixture.CreateVaultAsync(client, subscription.Id, "told of", "GRS");

        var created = await answer.Content.ReadFromJsonAsync<VaultDocument>(ContractsJson.Default.Options, Stop);
        var message = await heard.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        Assert.Equal(
            new VaultCreated(created!.Id, 1, created.CreatedAt, subscription.Id, "told of", Redundancy.GRS),
            message.Message with { At = created.CreatedAt });
        Assert.NotNull(message.MessageId);
        await endpoint.StopAsync(Stop);
    }

    internal static async Task<ProblemDocument> RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = System.Text.Json.JsonSerializer.Deserialize(text, ContractsJson.Default.ProblemDocument)!;
        Assert.Equal(code, problem.Code);
        Assert.False(string.IsNullOrEmpty(problem.Detail));
        return problem;
    }

    private static async Task<List<SubscriptionDocument>> AllAsync(HttpClient client)
    {
        var all = new List<SubscriptionDocument>();
        for (string? after = ""; after is not null;)
        {
            var page = await client.GetFromJsonAsync<Page<SubscriptionDocument>>(
                $"/api/subscriptions?limit=2{(after == "" ? "" : "&after=" + after)}", ContractsJson.Default.Options);
            Assert.InRange(page!.Items.Count, 0, 2);
            all.AddRange(page.Items);
            after = page.Next;
        }

        Assert.Equal(all.Count, all.DistinctBy(subscription => subscription.Id).Count());
        return all;
    }
}
