using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Xml.Linq;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Registration.Tests;

/// <summary>Reading a machine's recovery points from elsewhere: credentials and the proof of the passphrase, and nothing less.</summary>
public sealed class RecoveryTests(RegistrationFixture platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GivenCredentialsOfTheVault_WhenChallengedByNameOrId_ThenTheKeyHeaderComes(bool byName)
    {
        var (vault, machine) = await RegisterAsync("Büro 1");

        var challenge = await RegistrationFixture.AnswerAsync<RecoveryChallenge>(
            await OpenAsync(vault.Credentials, byName ? "Büro 1" : machine.Id.ToString()));

        Assert.Equal((machine.Id, "Büro 1", 1), (challenge.MachineId, challenge.MachineName, challenge.KeyHeaderRevision));
        Assert.Equal(machine.KeyHeader, challenge.KeyHeader);
    }

    [Fact]
    public async Task GivenAnUnknownOrForeignMachine_WhenChallenged_ThenBothAreNotFoundAlike()
    {
        var (vault, _) = await RegisterAsync("mine");
        var (_, foreign) = await RegisterAsync("foreign");

        var unknown = await RefusedAsync(await OpenAsync(vault.Credentials, "nobody"), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        var byName = await RefusedAsync(await OpenAsync(vault.Credentials, "foreign"), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        var byId = await RefusedAsync(await OpenAsync(vault.Credentials, foreign.Id.ToString()), HttpStatusCode.NotFound, ProblemCodes.NotFound);

        Assert.Single(new HashSet<string?> { unknown.Detail, byName.Detail, byId.Detail });
    }

    [Fact]
    public async Task GivenTheRightProof_WhenATokenIsRequested_ThenItReadsThatMachineAlone()
    {
        var (vault, machine) = await RegisterAsync();
        var verifier = platform.Services.GetRequiredService<TokenVerifier>();

        var token = await machine.RecoveryTokenAsync(platform.Client(), vault.Credentials);

        var (verified, refusal) = await verifier.VerifyAsync(token.Token, TokenKinds.ApiAudience, Stop);
        Assert.Null(refusal);
        var file = VaultCredentialsFile.TryParse(vault.Credentials, out _)!;
        Assert.Equal(
            new Caller.Recovery(machine.Id, vault.Id, vault.SubscriptionId, file.CredentialsId, file.ExpiresAt), TokenKinds.Read(verified!));
        Assert.InRange(verified!.ValidTo - verified.ValidFrom, TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15));
        var client = platform.Client(token.Token);
        foreach (var answer in new[]
        {
            await client.GetAsync($"/api/machines/{machine.Id}/key-header", Stop),
            await client.PostAsync($"/api/machines/{machine.Id}/unregistration", null, Stop),
            await client.DeleteAsync($"/api/machines/{machine.Id}", Stop),
            await client.GetAsync($"/api/vaults/{vault.Id}/machines", Stop),
            await client.PutAsJsonAsync($"/api/machines/{machine.Id}/key-header", machine.Rewrap(2, [1]), Stop),
        })
        {
            await RefusedAsync(answer, HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        }
    }

    [Fact]
    public async Task GivenWrongProofs_WhenATokenIsRequested_ThenNoneIsGiven()
    {
        var (vault, machine) = await RegisterAsync();
        var stranger = new TestMachine { Id = machine.Id };
        var client = platform.Client();
        var nonce = await machine.ChallengeRecoveryAsync(client, vault.Credentials);
        var good = machine.RecoverWith(vault.Credentials, nonce);
        var late = RegistrationFixture.Challenges(TimeSpan.FromSeconds(-61)).Make(machine.Id).Nonce;
        var others = RegistrationFixture.Challenges(TimeSpan.Zero).Make(Guid.CreateVersion7(TimeProvider.System.GetUtcNow())).Nonce;
        var altered = (byte[])good.Signature!.Clone();
        altered[9] ^= 1;

        foreach (var wrong in new[]
        {
            stranger.RecoverWith(vault.Credentials, nonce),
            good with { Signature = altered },
            good with { Signature = machine.Sign(nonce).Signature },
            good with { Signature = machine.Prove(MachineTokenChallenge.Message(machine.Id, nonce)) },
            good with { Signature = machine.Prove(RecoveryProofs.Replacement(machine.Id, nonce, machine.IdentityPublicKey)) },
            machine.RecoverWith(vault.Credentials, late),
            machine.RecoverWith(vault.Credentials, others),
            machine.RecoverWith(vault.Credentials, "made up"),
        })
        {
            await RefusedAsync(await machine.RequestRecoveryAsync(client, wrong), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        }

        Assert.Equal(HttpStatusCode.OK, (await machine.RequestRecoveryAsync(client, good)).StatusCode);
    }

    [Fact]
    public async Task GivenAnAnsweredChallenge_WhenTheAnswerIsReplayedAtAnyReplica_ThenItIsRefused()
    {
        var (vault, machine) = await RegisterAsync();
        var good = machine.RecoverWith(vault.Credentials, await machine.ChallengeRecoveryAsync(platform.Client(), vault.Credentials));

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(
            i => machine.RequestRecoveryAsync(i % 2 == 0 ? platform.Client() : platform.SecondClient(), good)));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.OK))
        {
            await RefusedAsync(answer, HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        }
    }

    [Fact]
    public async Task GivenCredentialsOfAnotherVaultOrPurpose_WhenATokenIsRequested_ThenRefused()
    {
        var (vault, machine) = await RegisterAsync();
        var (other, _) = await RegisterAsync();
        var register = await platform.DownloadAsync(vault, "register");
        var recover = await platform.DownloadAsync(vault, "recover");
        var client = platform.Client();

        await RefusedAsync(
            await machine.RequestRecoveryAsync(client, machine.RecoverWith(other.Credentials, await machine.ChallengeAsync(client))),
            HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RefusedAsync(
            await machine.RequestRecoveryAsync(client, machine.RecoverWith(register, await machine.ChallengeRecoveryAsync(client, register))),
            HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        await RefusedAsync(await new TestMachine().RegisterAsync(client, recover, "new"), HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        await machine.RecoveryTokenAsync(client, recover);
        Assert.Equal(HttpStatusCode.Created, (await new TestMachine().RegisterAsync(client, register, "new")).StatusCode);
    }

    [Fact]
    public async Task GivenAPurposeTakenOutOfTheFile_WhenShown_ThenCredentialsInvalid()
    {
        var (vault, machine) = await RegisterAsync();
        var widened = XDocument.Parse(await platform.DownloadAsync(vault, "recover"));
        widened.Root!.Element("Purpose")!.Remove();
        var changed = XDocument.Parse(await platform.DownloadAsync(vault, "recover"));
        changed.Root!.Element("Purpose")!.Value = "Register";
        var narrowed = XDocument.Parse(vault.Credentials);
        narrowed.Root!.Element("ExpiresAt")!.AddAfterSelf(new XElement("Purpose", "Recover"));

        foreach (var altered in new[] { widened, changed, narrowed })
        {
            await RefusedAsync(
                await new TestMachine().RegisterAsync(platform.Client(), altered.ToString(), "new"),
                HttpStatusCode.Unauthorized, ProblemCodes.CredentialsInvalid);
            await RefusedAsync(await OpenAsync(altered.ToString(), machine.Id.ToString()), HttpStatusCode.Unauthorized, ProblemCodes.CredentialsInvalid);
        }
    }

    [Fact]
    public async Task GivenRevokedCredentials_WhenHeardOf_ThenTheyOpenNothingAndTheirSessionsEnd()
    {
        var (vault, machine) = await RegisterAsync();
        var kept = await platform.DownloadAsync(vault);
        var token = (await machine.RecoveryTokenAsync(platform.Client(), vault.Credentials)).Token;
        var id = VaultCredentialsFile.TryParse(vault.Credentials, out _)!.CredentialsId;

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await platform.VaultClient(vault.OperatorToken).DeleteAsync($"/api/vaults/{vault.Id}/credentials/{id}", Stop)).StatusCode);

        await RegistrationFixture.UntilAsync(ProblemCodes.CredentialsRevoked, () => OpenAsync(vault.Credentials, machine.Id.ToString()));
        await RefusedAsync(
            await new TestMachine().RegisterAsync(platform.SecondClient(), vault.Credentials, "new"),
            HttpStatusCode.Unauthorized, ProblemCodes.CredentialsRevoked);
        await RefusedAsync(
            await machine.RequestRecoveryAsync(
                platform.Client(), machine.RecoverWith(vault.Credentials, await machine.ChallengeAsync(platform.Client()), token)),
            HttpStatusCode.Unauthorized, ProblemCodes.CredentialsRevoked);
        await RefusedAsync(
            await platform.Client(token).GetAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Unauthorized, ProblemCodes.CredentialsRevoked);
        await machine.RecoveryTokenAsync(platform.Client(), kept);
        await machine.TokenAsync(platform.Client());
    }

    [Fact]
    public async Task GivenExpiredCredentials_WhenASessionGoesOn_ThenItIsRenewedForSevenDaysAndNoNewOneBegins()
    {
        var (vault, machine) = await RegisterAsync();
        var token = (await machine.RecoveryTokenAsync(platform.Client(), vault.Credentials)).Token;
        async Task<HttpResponseMessage> AskAsync(HttpClient client, string? previous) => await machine.RequestRecoveryAsync(
            client, machine.RecoverWith(vault.Credentials, await machine.ChallengeAsync(client), previous));

        await using (var later = Ahead(TimeSpan.FromDays(6)))
        {
            using var client = later.CreateClient();
            await RefusedAsync(await AskAsync(client, null), HttpStatusCode.Unauthorized, ProblemCodes.CredentialsExpired);
            var machineToken = (await machine.TokenAsync(client)).Token;
            await RefusedAsync(await AskAsync(client, machineToken), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
            await RefusedAsync(await AskAsync(client, Altered(token)), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
            await RefusedAsync(await AskAsync(client, "garbage"), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
            token = (await RegistrationFixture.AnswerAsync<MachineToken>(await AskAsync(client, token))).Token;
        }

        await using var tooLate = Ahead(TimeSpan.FromDays(7) + TimeSpan.FromMinutes(1));
        using var last = tooLate.CreateClient();
        await RefusedAsync(await AskAsync(last, token), HttpStatusCode.Unauthorized, ProblemCodes.CredentialsExpired);
    }

    [Theory]
    [InlineData("credentials")]
    [InlineData("nonce")]
    [InlineData("signature")]
    [InlineData("previousToken")]
    public async Task GivenAFieldThatWillNotDo_WhenATokenIsRequested_ThenInvalidNamesIt(string field)
    {
        var good = new TestMachine().RecoverWith("credentials", "nonce");
        var bad = field switch
        {
            "credentials" => good with { Credentials = "" },
            "nonce" => good with { Nonce = null },
            "signature" => good with { Signature = new byte[63] },
            _ => good with { PreviousToken = "" },
        };

        var problem = await RefusedAsync(
            await new TestMachine().RequestRecoveryAsync(platform.Client(), bad), HttpStatusCode.BadRequest, ProblemCodes.Invalid);

        Assert.Equal([field], problem.Errors!.Keys);
    }

    /// <summary>The token with another beginning of its session, under the signature it has.</summary>
    private static string Altered(string token)
    {
        var parts = token.Split('.');
        var claims = System.Text.Json.Nodes.JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!;
        claims[TokenKinds.Session] = "9999999999";
        parts[1] = Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(claims.ToJsonString()));
        return string.Join('.', parts);
    }

    private RunningService<RegistrationService.Limits> Ahead(TimeSpan ahead) => platform.StartReplica(
        new Dictionary<string, string>(), services => services.AddSingleton<TimeProvider>(new ShiftedClock(ahead)));

    private Task<HttpResponseMessage> OpenAsync(string credentials, string machine) =>
        platform.Client().PostAsJsonAsync("/api/recovery-challenges", new OpenRecovery(credentials, machine), Stop);

    private async Task<(TestVault Vault, TestMachine Machine)> RegisterAsync(string name = "workstation")
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        Assert.Equal(HttpStatusCode.Created, (await machine.RegisterAsync(platform.Client(), vault.Credentials, name)).StatusCode);
        return (vault, machine);
    }

    private static Task<ProblemDocument> RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) =>
        RegistrationFixture.RefusedAsync(answer, status, code);
}
