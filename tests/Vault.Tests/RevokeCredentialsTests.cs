using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.VaultService.Credentials;
using BackupPlatform.VaultService.Vaults;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Vault.Tests;

/// <summary>Who was given which credentials, for what, until when; and taking them back.</summary>
public sealed class RevokeCredentialsTests(VaultFixture vault)
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenDownloads_WhenListed_ThenEachTellsByWhomForWhatAndUntilWhenNewestFirst()
    {
        var (id, client) = await CreateAsync();
        var both = await DownloadAsync(client, id, "");
        var register = await DownloadAsync(client, id, "?purpose=register");
        var recover = await DownloadAsync(vault.Platform(), id, "?purpose=recover");

        var first = await ListAsync(client, $"/api/vaults/{id}/credentials?limit=2");
        var rest = await ListAsync(client, $"/api/vaults/{id}/credentials?limit=2&after={first.Next}");
        var all = first.Items.Concat(rest.Items).ToDictionary(one => one.Id);

        Assert.Null(rest.Next);
        Assert.Equal(3, all.Count);
        Assert.Equal(all.Keys.OrderDescending(), first.Items.Concat(rest.Items).Select(one => one.Id));
        Assert.Equal([CredentialsPurpose.Register, CredentialsPurpose.Recover], all[both.CredentialsId].Purposes);
        Assert.Equal([CredentialsPurpose.Register], all[register.CredentialsId].Purposes);
        Assert.Equal([CredentialsPurpose.Recover], all[recover.CredentialsId].Purposes);
        Assert.Equal("an operator of the subscription", all[both.CredentialsId].IssuedBy);
        Assert.Equal("the platform operator", all[recover.CredentialsId].IssuedBy);
        Assert.Equal((both.IssuedAt, both.ExpiresAt, null), (all[both.CredentialsId].IssuedAt, all[both.CredentialsId].ExpiresAt, all[both.CredentialsId].RevokedAt));
    }

    [Theory]
    [InlineData("Register")]
    [InlineData("")]
    [InlineData("register,recover")]
    [InlineData("both")]
    public async Task GivenAPurposeThatIsNone_WhenDownloaded_ThenInvalid(string purpose)
    {
        var (id, client) = await CreateAsync();

        var problem = await VaultServiceTests.RefusedAsync(
            await client.PostAsync($"/api/vaults/{id}/credentials?purpose={purpose}", null, Stop), HttpStatusCode.BadRequest, ProblemCodes.Invalid);

        Assert.Equal(["purpose"], problem.Errors!.Keys);
    }

    [Fact]
    public async Task GivenCredentials_WhenRevokedByManyAtOnce_ThenOnceAndTheBusTells()
    {
        var (id, client) = await CreateAsync();
        var revoked = await DownloadAsync(client, id, "");
        var kept = await DownloadAsync(client, id, "");
        var heard = new TaskCompletionSource<VaultCredentialsRevoked>(TaskCreationOptions.RunContinuationsAsynchronously);
        var endpoint = vault.Services.GetRequiredService<IBus>().ConnectReceiveEndpoint(new TemporaryEndpointDefinition(), null, receive =>
            receive.Handler<VaultCredentialsRevoked>(context =>
            {
                if (context.Message.StreamId == id) heard.TrySetResult(context.Message);
                return Task.CompletedTask;
            }));
        await endpoint.Ready;

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(
            _ => client.DeleteAsync($"/api/vaults/{id}/credentials/{revoked.CredentialsId}", Stop)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode));
        Assert.Equal(revoked.CredentialsId, (await heard.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop)).CredentialsId);
        await endpoint.StopAsync(Stop);
        var listed = (await ListAsync(client, $"/api/vaults/{id}/credentials")).Items.ToDictionary(one => one.Id);
        Assert.NotNull(listed[revoked.CredentialsId].RevokedAt);
        Assert.Null(listed[kept.CredentialsId].RevokedAt);
    }

    [Fact]
    public async Task GivenUnknownOrForeignCredentials_WhenRevoked_ThenNotFound()
    {
        var (id, client) = await CreateAsync();
        var (foreignId, stranger) = await CreateAsync();
        var foreign = await DownloadAsync(stranger, foreignId, "");

        foreach (var path in new[]
        {
            $"/api/vaults/{id}/credentials/{foreign.CredentialsId}",
            $"/api/vaults/{id}/credentials/{Guid.CreateVersion7(Now)}",
            $"/api/vaults/{foreignId}/credentials/{foreign.CredentialsId}",
        })
        {
            await VaultServiceTests.RefusedAsync(await client.DeleteAsync(path, Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        }

        await VaultServiceTests.RefusedAsync(
            await client.GetAsync($"/api/vaults/{foreignId}/credentials", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        Assert.Null(Assert.Single((await ListAsync(stranger, $"/api/vaults/{foreignId}/credentials")).Items).RevokedAt);
    }

    [Fact]
    public void GivenAnEventOfBeforePurposes_WhenListed_ThenTheCredentialsAreForAll()
    {
        var old = new CredentialsIssued(Guid.CreateVersion7(Now), Guid.CreateVersion7(Now), Now, Now.AddDays(2));

        var document = Assert.Single(IssuedFile.Fold([old])).ToDocument();

        Assert.Equal([CredentialsPurpose.Register, CredentialsPurpose.Recover], document.Purposes);
        Assert.Equal("an operator", document.IssuedBy);
    }

    [Fact]
    public void GivenAVault_WhenItClosesAndIsAnswered_ThenOnlyTheAnswerToThatQuestionCounts()
    {
        var opened = new VaultOpened(Guid.CreateVersion7(Now), Guid.CreateVersion7(Now), "v", Redundancy.LRS, Now);
        var open = VaultService.Vaults.Vault.Fold(null, opened);
        var closing = VaultService.Vaults.Vault.Fold(open, Assert.Single(VaultService.Vaults.Vault.Close(open, 2, Now).Events));

        Assert.Empty(VaultService.Vaults.Vault.Close(closing, 3, Now).Events);
        Assert.Empty(VaultService.Vaults.Vault.Answer(open, 2, 0, Now).Events);
        Assert.Empty(VaultService.Vaults.Vault.Answer(closing, 1, 0, Now).Events);
        Assert.IsType<VaultStayed>(Assert.Single(VaultService.Vaults.Vault.Answer(closing, 2, 7, Now).Events));
        var deleted = VaultService.Vaults.Vault.Fold(closing, Assert.Single(VaultService.Vaults.Vault.Answer(closing, 2, 0, Now).Events));
        Assert.Equal(Now, deleted.DeletedAt);
        Assert.Equal(ProblemCodes.NotFound, VaultService.Vaults.Vault.Close(deleted, 4, Now).Refusal?.Code);
        Assert.Empty(VaultService.Vaults.Vault.Answer(deleted, 2, 0, Now).Events);
    }

    private async Task<(Guid Id, HttpClient Client)> CreateAsync()
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var created = await VaultFixture.CreateVaultAsync(client, subscription.Id, "v");
        return ((await created.Content.ReadFromJsonAsync<VaultDocument>(ContractsJson.Default.Options, Stop))!.Id, client);
    }

    private static async Task<VaultCredentialsFile> DownloadAsync(HttpClient client, Guid vaultId, string query)
    {
        var answer = await client.PostAsync($"/api/vaults/{vaultId}/credentials{query}", null, Stop);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return VaultCredentialsFile.TryParse(await answer.Content.ReadAsStringAsync(Stop), out _)!;
    }

    private static async Task<Page<CredentialsDocument>> ListAsync(HttpClient client, string path) =>
        (await client.GetFromJsonAsync<Page<CredentialsDocument>>(path, ContractsJson.Default.Options, Stop))!;
}
