using System.Net;
using System.Net.Http.Json;
using System.Xml.Linq;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Vault.Tests;

/// <summary>Vault credentials as the service hands them out, and what becomes of them when they are altered or old.</summary>
public sealed class CredentialsTests(VaultFixture vault)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Alterations => new()
    {
        { "CredentialsId", "0197f000-0000-7000-8000-000000000000" },
        { "SubscriptionId", "0197f000-0000-7000-8000-000000000000" },
        { "VaultId", "0197f000-0000-7000-8000-000000000000" },
        { "VaultName", "Another name" },
        { "IssuedAt", "2020-01-01T00:00:00Z" },
        { "ExpiresAt", "2199-01-01T00:00:00Z" },
        { "RegistrationEndpoint", "http://evil.test/" },
    };

    [Fact]
    public async Task GivenAVault_WhenCredentialsAreDownloaded_ThenTheyAreAnAttachmentThatNobodyKeepsAndVerify()
    {
        var (answer, xml, document) = await DownloadAsync("Büro \"1\"");

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("application/xml", answer.Content.Headers.ContentType?.MediaType);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.Equal("attachment; filename=\"B-ro--1-.VaultCredentials\"", answer.Content.Headers.ContentDisposition?.ToString());
        var (file, refusal) = await Verifier().VerifyAsync(xml, Stop);
        Assert.Null(refusal);
        Assert.Equal(document.Id, file!.VaultId);
        Assert.Equal(document.Name, file.VaultName);
        Assert.Equal(document.SubscriptionId, file.SubscriptionId);
        Assert.Equal(TimeSpan.FromDays(2), file.ExpiresAt - file.IssuedAt);
        Assert.Equal(new Uri("http://registration.test:1234"), file.RegistrationEndpoint);
        Assert.Equal(xml, file.ToXml());
    }

    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task GivenOneElementAltered_WhenShown_ThenRefusedAsInvalid(string element, string value)
    {
        var (_, xml, _) = await DownloadAsync("v");
        var altered = XDocument.Parse(xml);
        altered.Root!.Element(element)!.Value = value;

        Assert.Equal(ProblemCodes.CredentialsInvalid, await RefusalAsync(Verifier(), altered.ToString()));
    }

    [Fact]
    public async Task GivenAnyCharacterOfTheTokenAltered_WhenShown_ThenRefusedAsInvalid()
    {
        var (_, xml, _) = await DownloadAsync("v");
        var document = XDocument.Parse(xml);
        var token = document.Root!.Element("Token")!.Value;
        var seed = Seed.New(text => TestContext.Current.TestOutputHelper?.WriteLine(text));
        for (var i = 0; i < 40; i++)
        {
            // Not the last character of a part: some of its bits mean nothing.
            var at = seed.Random.Next(token.Length - 1);
            if (token[at] == '.' || token[at + 1] == '.') continue;
            document.Root.Element("Token")!.Value = string.Concat(token.AsSpan(0, at), token[at] == 'A' ? "B" : "A", token.AsSpan(at + 1));
            Assert.Equal(ProblemCodes.CredentialsInvalid, await RefusalAsync(Verifier(), document.ToString()));
        }
    }

    [Fact]
    public async Task GivenTheTokenOfOtherCredentials_WhenShown_ThenRefusedAsInvalid()
    {
        var (_, one, _) = await DownloadAsync("one");
        var (_, other, _) = await DownloadAsync("other");
        var mixed = XDocument.Parse(one);
        mixed.Root!.Element("Token")!.Value = XDocument.Parse(other).Root!.Element("Token")!.Value;

        Assert.Equal(ProblemCodes.CredentialsInvalid, await RefusalAsync(Verifier(), mixed.ToString()));
    }

    [Fact]
    public async Task GivenAnOperatorsToken_WhenPutIntoCredentials_ThenRefusedAsInvalid()
    {
        var (subscription, _) = await vault.SubscribeAsync();
        var (_, xml, _) = await DownloadAsync("v");
        var mixed = XDocument.Parse(xml);
        mixed.Root!.Element("Token")!.Value = subscription.OperatorToken;

        Assert.Equal(ProblemCodes.CredentialsInvalid, await RefusalAsync(Verifier(), mixed.ToString()));
    }

    [Fact]
    public async Task GivenCredentials_WhenTheirTwoDaysAreOver_ThenExpiredAndNotBefore()
    {
        var (_, xml, _) = await DownloadAsync("v");

        Assert.Null(await RefusalAsync(Verifier(TimeSpan.FromDays(2) - TimeSpan.FromMinutes(5)), xml));
        Assert.Equal(ProblemCodes.CredentialsExpired, await RefusalAsync(Verifier(TimeSpan.FromDays(2) + TimeSpan.FromSeconds(1)), xml));
    }

    [Fact]
    public async Task GivenExpiredCredentials_WhenAlsoAltered_ThenInvalidAndNotExpired()
    {
        var (_, xml, _) = await DownloadAsync("v");
        var altered = XDocument.Parse(xml);
        altered.Root!.Element("ExpiresAt")!.Value = "2199-01-01T00:00:00Z";

        Assert.Equal(
            ProblemCodes.CredentialsInvalid, await RefusalAsync(Verifier(TimeSpan.FromDays(3)), altered.ToString()));
    }

    [Fact]
    public async Task GivenTheCredentialsToken_WhenUsedAsAnApiToken_ThenUnauthenticated()
    {
        var (_, xml, _) = await DownloadAsync("v");

        var answer = await vault.Client(XDocument.Parse(xml).Root!.Element("Token")!.Value).GetAsync("/api/subscriptions", Stop);

        await VaultServiceTests.RefusedAsync(answer, HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
    }

    private TokenVerifier Verifier(TimeSpan ahead = default) => new(
        vault.Services.GetRequiredService<IHttpClientFactory>(), new ShiftedClock(ahead));

    private static async Task<string?> RefusalAsync(TokenVerifier verifier, string xml) => (await verifier.VerifyAsync(xml, Stop)).Refusal?.Code;

    private async Task<(HttpResponseMessage Answer, string Xml, VaultDocument Vault)> DownloadAsync(string name)
    {
        var (subscription, client) = await vault.SubscribeAsync();
        var created = await VaultFixture.CreateVaultAsync(client, subscription.Id, name);
        var document = await created.Content.ReadFromJsonAsync<VaultDocument>(ContractsJson.Default.Options);
        var answer = await client.PostAsync($"/api/vaults/{document!.Id}/credentials", null);
        return (answer, await answer.Content.ReadAsStringAsync(), document);
    }
}
