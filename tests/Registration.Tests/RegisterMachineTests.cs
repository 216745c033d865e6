using System.Net;
using System.Net.Http.Json;
using System.Xml.Linq;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Registration.Tests;

/// <summary>Registering machines with credentials that the real vault service has signed.</summary>
public sealed class RegisterMachineTests(RegistrationFixture platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenFreshCredentials_WhenRegistering_ThenTheMachineIsThereWithItsKeyHeader()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();

        var answer = await machine.RegisterAsync(platform.Client(), vault.Credentials);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal($"/api/machines/{machine.Id}", answer.Headers.Location?.ToString());
        var document = await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(answer);
        Assert.Equal((machine.Id, vault.Id, vault.SubscriptionId, "The vault", "workstation"),
            (document.Id, document.VaultId, document.SubscriptionId, document.VaultName, document.Name));
        Assert.Equal([new("http://registration-1.test"), new("http://registration-2.test")], document.Endpoints.Registration);
        Assert.Equal([new("http://ingest.test")], document.Endpoints.Ingest);
        Assert.Equal([new("http://restore.test")], document.Endpoints.Restore);
        Assert.Equal(machine.KeyHeader, await platform.Blobs.ReadAllAsync(
            $"vaults/{vault.Id}/machines/{machine.Id}/key-header/0000000001", 4096, Stop));
    }

    [Fact]
    public async Task GivenALostAnswer_WhenRegisteringAgain_ThenItAnswersAsTheFirstTime()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        var first = await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(
            await machine.RegisterAsync(platform.Client(), vault.Credentials));

        var answer = await machine.RegisterAsync(platform.Client(), vault.Credentials, "renamed meanwhile");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equivalent(first, await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(answer), strict: true);
    }

    [Fact]
    public async Task GivenOneRegistrationSentEightTimesAtOnce_WhenAnswered_ThenAllSucceedAndOneCreates()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => machine.RegisterAsync(platform.Client(), vault.Credentials)));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.Equal(7, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Single(await ListAsync(vault));
    }

    [Fact]
    public async Task GivenARegisteredId_WhenRegisteringWithOtherKeysOrKeyHeader_ThenRefused()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        await machine.RegisterAsync(platform.Client(), vault.Credentials);

        await RegistrationFixture.RefusedAsync(
            await new TestMachine { Id = machine.Id }.RegisterAsync(platform.Client(), vault.Credentials, "another"),
            HttpStatusCode.Conflict, ProblemCodes.MachineExists);
        await RegistrationFixture.RefusedAsync(
            await platform.Client().PostAsJsonAsync("/api/machines", machine.Request(vault.Credentials) with { KeyHeader = [1, 2, 3] }, Stop),
            HttpStatusCode.Conflict, ProblemCodes.Conflict);
        await RegistrationFixture.RefusedAsync(
            await machine.RegisterAsync(platform.Client(), (await platform.CreateVaultAsync()).Credentials),
            HttpStatusCode.Conflict, ProblemCodes.MachineExists);
    }

    [Fact]
    public async Task GivenATakenName_WhenRegistering_ThenRefusedAndNoKeyHeaderStays()
    {
        var vault = await platform.CreateVaultAsync();
        await new TestMachine().RegisterAsync(platform.Client(), vault.Credentials, "taken");
        var machine = new TestMachine();

        await RegistrationFixture.RefusedAsync(
            await machine.RegisterAsync(platform.Client(), vault.Credentials, "taken"), HttpStatusCode.Conflict, ProblemCodes.MachineExists);

        Assert.Null(await platform.Blobs.GetLengthAsync(KeyHeaders.BlobName(vault.Id, machine.Id, 1), Stop));
    }

    [Fact]
    public async Task Given52RegistrationsAtOnceAtTwoReplicas_WhenTheLimitIs50_ThenExactly50Succeed()
    {
        var vault = await platform.CreateVaultAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 52).Select(
            i => new TestMachine().RegisterAsync(
                i % 2 == 0 ? platform.Client() : platform.SecondClient(), vault.Credentials, $"machine {i}")));

        Assert.Equal(50, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await RegistrationFixture.RefusedAsync(answer, HttpStatusCode.Conflict, ProblemCodes.MachineLimit);
        }

        Assert.Equal(50, (await ListAsync(vault)).DistinctBy(machine => machine.Name).Count());
    }

    [Theory]
    [InlineData("CredentialsId", "0197f000-0000-7000-8000-000000000000")]
    [InlineData("SubscriptionId", "0197f000-0000-7000-8000-000000000000")]
    [InlineData("VaultId", "0197f000-0000-7000-8000-000000000000")]
    [InlineData("VaultName", "Another name")]
    [InlineData("IssuedAt", "2020-01-01T00:00:00Z")]
    [InlineData("ExpiresAt", "2199-01-01T00:00:00Z")]
    [InlineData("RegistrationEndpoint", "http://evil.test/")]
    [InlineData("Token", "eyJhbGciOiJub25lIn0.e30.")]
    [InlineData("Token", "not even a token")]
    public async Task GivenAlteredCredentials_WhenRegistering_ThenCredentialsInvalid(string element, string value)
    {
        var vault = await platform.CreateVaultAsync();
        var altered = XDocument.Parse(vault.Credentials);
        altered.Root!.Element(element)!.Value = value;

        await RegistrationFixture.RefusedAsync(
            await new TestMachine().RegisterAsync(platform.Client(), altered.ToString()),
            HttpStatusCode.Unauthorized, ProblemCodes.CredentialsInvalid);
    }

    [Fact]
    public async Task GivenAStoreThatFails_WhenRegistering_ThenThereIsNoMachineAndTheNextAttemptSucceeds()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        platform.Blobs.Add(new BackupPlatform.Testing.Fault(StoreCalls.Commit, FaultKind.FailAfter) { NameContains = machine.Id.ToString() });

        await RegistrationFixture.RefusedAsync(
            await machine.RegisterAsync(platform.Client(), vault.Credentials), HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable);

        Assert.Empty(await ListAsync(vault));
        Assert.Equal(HttpStatusCode.Created, (await machine.RegisterAsync(platform.Client(), vault.Credentials)).StatusCode);
    }

    [Fact]
    public async Task GivenAMachine_WhenRegistered_ThenTheBusTellsOfIt()
    {
        var vault = await platform.CreateVaultAsync();
        var heard = new TaskCompletionSource<MachineRegistered>(TaskCreationOptions.RunContinuationsAsynchronously);
        var endpoint = platform.Services.GetRequiredService<IBus>().ConnectReceiveEndpoint(new TemporaryEndpointDefinition(), null, receive =>
            receive.Handler<MachineRegistered>(context =>
            {
                if (context.Message.VaultId == vault.Id) heard.TrySetResult(context.Message);
                return Task.CompletedTask;
            }));
        await endpoint.Ready;
        var machine = new TestMachine();

        await machine.RegisterAsync(platform.Client(), vault.Credentials);

        var message = await heard.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        Assert.Equal(
            new MachineRegistered(machine.Id, 1, message.At, vault.SubscriptionId, vault.Id, "workstation", "Europe/Berlin"), message);
        await endpoint.StopAsync(Stop);
    }

    [Fact]
    public async Task GivenMachines_WhenOthersAsk_ThenOnlyOperatorsOfTheSubscriptionAndTheMachineItselfSeeThem()
    {
        var vault = await platform.CreateVaultAsync();
        var stranger = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        var other = new TestMachine();
        await machine.RegisterAsync(platform.Client(), vault.Credentials, "one");
        await other.RegisterAsync(platform.Client(), vault.Credentials, "other");
        var token = (await machine.TokenAsync(platform.Client())).Token;

        var seen = await RegistrationFixture.AnswerAsync<MachineDocument>(
            await platform.Client(token).GetAsync($"/api/machines/{machine.Id}", Stop));
        Assert.Equal((machine.Id, vault.Id, "one", "Europe/Berlin"), (seen.Id, seen.VaultId, seen.Name, seen.TimeZone));
        Assert.Equal(2, (await ListAsync(vault)).Count);
        await RegistrationFixture.RefusedAsync(
            await platform.Client(token).GetAsync($"/api/machines/{other.Id}", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RegistrationFixture.RefusedAsync(
            await platform.Client(token).GetAsync($"/api/vaults/{vault.Id}/machines", Stop), HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        await RegistrationFixture.RefusedAsync(
            await platform.Client(stranger.OperatorToken).GetAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RegistrationFixture.RefusedAsync(
            await platform.Client(stranger.OperatorToken).GetAsync($"/api/vaults/{vault.Id}/machines", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RegistrationFixture.RefusedAsync(
            await platform.Client().GetAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
    }

    private async Task<List<MachineDocument>> ListAsync(TestVault vault)
    {
        var all = new List<MachineDocument>();
        for (string? after = ""; after is not null;)
        {
            var page = await RegistrationFixture.AnswerAsync<Page<MachineDocument>>(await platform.Client(vault.OperatorToken).GetAsync(
                $"/api/vaults/{vault.Id}/machines?limit=20{(after == "" ? "" : "&after=" + after)}"));
            all.AddRange(page.Items);
            after = page.Next;
        }

        return all;
    }
}
