using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.Storage;
using BackupPlatform.Testing;

namespace BackupPlatform.Registration.Tests;

/// <summary>Changing a passphrase: the machine's master key is wrapped anew, and the old wrapping is gone.</summary>
public sealed class KeyHeaderTests(RegistrationFixture platform)
{
    private static readonly byte[] Second = "wrapped anew"u8.ToArray();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAMachine_WhenItsKeyHeaderChanges_ThenTheNewOneCountsAndTheOldOneIsGone()
    {
        var (vault, machine, client) = await RegisterAsync();
        Assert.Equal(machine.KeyHeader, (await ReadAsync(client, machine)).KeyHeader);

        var changed = await RegistrationFixture.AnswerAsync<KeyHeaderDocument>(await ChangeAsync(client, machine, machine.Rewrap(2, Second)));
        var again = await RegistrationFixture.AnswerAsync<KeyHeaderDocument>(await ChangeAsync(client, machine, machine.Rewrap(2, Second)));

        Assert.Equivalent(changed, again, strict: true);
        Assert.Equal(2, changed.Revision);
        var read = await ReadAsync(client, machine);
        Assert.Equal((2, true), (read.Revision, read.KeyHeader.AsSpan().SequenceEqual(Second)));
        Assert.Equal(KeyHeaders.BlobName(vault.Id, machine.Id, 2, KeyHeaders.Hash(Second)), Assert.Single(await NamesAsync(vault, machine)));
        var challenge = await RegistrationFixture.AnswerAsync<RecoveryChallenge>(await platform.SecondClient().PostAsJsonAsync(
            "/api/recovery-challenges", new OpenRecovery(vault.Credentials, machine.Id.ToString()), Stop));
        Assert.Equal(2, challenge.KeyHeaderRevision);
        Assert.Equal(Second, challenge.KeyHeader);
    }

    [Fact]
    public async Task GivenARegistrationThatIsRepeated_WhenThePassphraseHasChanged_ThenTheFirstKeyHeaderDoesNotComeBack()
    {
        var (vault, machine, client) = await RegisterAsync();
        await ChangeAsync(client, machine, machine.Rewrap(2, Second));

        Assert.Equal(HttpStatusCode.OK, (await machine.RegisterAsync(platform.Client(), vault.Credentials)).StatusCode);

        Assert.Single(await NamesAsync(vault, machine));
    }

    [Fact]
    public async Task GivenWrongSignaturesRevisionsOrMachines_WhenChanged_ThenRefusedAndTheFirstStillCounts()
    {
        var (_, machine, client) = await RegisterAsync();
        var (_, other, _) = await RegisterAsync();
        var good = machine.Rewrap(2, Second);

        foreach (var (request, status, code) in new[]
        {
            (other.Rewrap(2, Second), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated),
            (good with { KeyHeader = [1] }, HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated),
            (machine.Rewrap(3, Second) with { Revision = 2 }, HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated),
            (machine.Rewrap(3, Second), HttpStatusCode.Conflict, ProblemCodes.Conflict),
            (machine.Rewrap(1, Second), HttpStatusCode.Conflict, ProblemCodes.Conflict),
            (good with { Revision = 0 }, HttpStatusCode.BadRequest, ProblemCodes.Invalid),
            (good with { KeyHeader = new byte[4097] }, HttpStatusCode.BadRequest, ProblemCodes.Invalid),
            (good with { Signature = null }, HttpStatusCode.BadRequest, ProblemCodes.Invalid),
        })
        {
            await RegistrationFixture.RefusedAsync(await ChangeAsync(client, machine, request), status, code);
        }

        await RegistrationFixture.RefusedAsync(
            await client.GetAsync($"/api/machines/{other.Id}/key-header", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RegistrationFixture.RefusedAsync(
            await ChangeAsync(client, other, other.Rewrap(2, Second)), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        Assert.Equal(1, (await ReadAsync(client, machine)).Revision);
    }

    [Fact]
    public async Task GivenAnAttemptThatEndedAfterItsBlob_WhenThePassphraseChangesAgain_ThenTheNewOneCounts()
    {
        var (vault, machine, client) = await RegisterAsync();
        platform.Blobs.Add(new BackupPlatform.Testing.Fault(StoreCalls.Commit, FaultKind.FailAfter) { NameContains = $"{machine.Id}/key-header/0000000002" });
        await RegistrationFixture.RefusedAsync(
            await ChangeAsync(client, machine, machine.Rewrap(2, [7, 7])), HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable);
        Assert.Equal(machine.KeyHeader, (await ReadAsync(client, machine)).KeyHeader);

        Assert.Equal(HttpStatusCode.OK, (await ChangeAsync(client, machine, machine.Rewrap(2, Second))).StatusCode);

        Assert.Equal(KeyHeaders.BlobName(vault.Id, machine.Id, 2, KeyHeaders.Hash(Second)), Assert.Single(await NamesAsync(vault, machine)));
    }

    [Fact]
    public async Task GivenAStoreThatDeletesNothingJustThen_WhenAServiceStarts_ThenItRemovesTheOldKeyHeader()
    {
        var (vault, machine, client) = await RegisterAsync();
        platform.Blobs.Add(new BackupPlatform.Testing.Fault(StoreCalls.Delete, FaultKind.FailBefore) { NameContains = machine.Id.ToString() });
        Assert.Equal(HttpStatusCode.OK, (await ChangeAsync(client, machine, machine.Rewrap(2, Second))).StatusCode);
        Assert.Equal(2, (await NamesAsync(vault, machine)).Count);

        await using var restarted = platform.StartReplica(new Dictionary<string, string>());

        var started = TimeProvider.System.GetTimestamp();
        while ((await NamesAsync(vault, machine)).Count > 1)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1));
            await Task.Delay(50, Stop);
        }

        Assert.Equal(Second, (await ReadAsync(client, machine)).KeyHeader);
    }

    [Fact]
    public async Task GivenTwoChangesAtOnce_WhenTheyRace_ThenOneCountsAndItsKeyHeaderIsThere()
    {
        var (vault, machine, client) = await RegisterAsync();
        var token = (await machine.TokenAsync(platform.Client())).Token;

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => ChangeAsync(
            i % 2 == 0 ? client : platform.SecondClient(token), machine, machine.Rewrap(2, [(byte)i]))));

        var won = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        var document = await RegistrationFixture.AnswerAsync<KeyHeaderDocument>(won);
        Assert.Equal(document.KeyHeader, (await ReadAsync(client, machine)).KeyHeader);
        Assert.Contains(KeyHeaders.BlobName(vault.Id, machine.Id, 2, KeyHeaders.Hash(document.KeyHeader)), await NamesAsync(vault, machine));
        Assert.Equal(HttpStatusCode.OK, (await ChangeAsync(client, machine, machine.Rewrap(3, Second))).StatusCode);
        Assert.Single(await NamesAsync(vault, machine));
    }

    private async Task<List<string>> NamesAsync(TestVault vault, TestMachine machine)
    {
        var names = new List<string>();
        await foreach (var blob in platform.Blobs.ListAsync($"vaults/{vault.Id}/machines/{machine.Id}/key-header/", Stop))
        {
            names.Add(blob.Name);
        }

        return names;
    }

    private static async Task<KeyHeaderDocument> ReadAsync(HttpClient client, TestMachine machine) =>
        await RegistrationFixture.AnswerAsync<KeyHeaderDocument>(await client.GetAsync($"/api/machines/{machine.Id}/key-header", Stop));

    private static Task<HttpResponseMessage> ChangeAsync(HttpClient client, TestMachine machine, ChangeKeyHeader request) =>
        client.PutAsJsonAsync($"/api/machines/{machine.Id}/key-header", request, Stop);

    private async Task<(TestVault Vault, TestMachine Machine, HttpClient Client)> RegisterAsync()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        Assert.Equal(HttpStatusCode.Created, (await machine.RegisterAsync(platform.Client(), vault.Credentials)).StatusCode);
        return (vault, machine, platform.Client((await machine.TokenAsync(platform.Client())).Token));
    }
}
