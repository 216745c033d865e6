using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService.Vaults;
using Marten;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Registration.Tests;

/// <summary>Deregistration, replacement, and the end of a vault: who may speak as a machine, and who may no more.</summary>
public sealed class EndedIdentityTests(RegistrationFixture platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAMachine_WhenAnOperatorDeregistersIt_ThenItIsRefusedAtOnceEverywhere()
    {
        var (vault, machine) = await RegisterAsync();
        var token = (await machine.TokenAsync(platform.Client())).Token;
        var operators = platform.Client(vault.OperatorToken);

        Assert.Equal(HttpStatusCode.NoContent, (await operators.DeleteAsync($"/api/machines/{machine.Id}", Stop)).StatusCode);

        foreach (var client in new[] { platform.Client(token), platform.SecondClient(token) })
        {
            var refused = await RefusedAsync(
                await client.GetAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
            Assert.Contains("deregistered", refused.Detail, StringComparison.Ordinal);
        }

        var told = await RefusedAsync(
            await machine.RequestAsync(platform.Client(), machine.Sign(await machine.ChallengeAsync(platform.Client()))),
            HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        Assert.Contains("deregistered", told.Detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await operators.DeleteAsync($"/api/machines/{machine.Id}", Stop)).StatusCode);
        await RefusedAsync(await machine.RegisterAsync(platform.Client(), vault.Credentials), HttpStatusCode.Conflict, ProblemCodes.MachineExists);
    }

    [Fact]
    public async Task GivenAMachine_WhenItUnregistersItself_ThenNameAndPlaceAreFreeAndItsStateIsListed()
    {
        var (vault, machine) = await RegisterAsync("the name");
        var token = (await machine.TokenAsync(platform.Client())).Token;
        var next = new TestMachine();
        var stranger = (await RegisterAsync()).Machine;

        await RefusedAsync(
            await platform.Client(token).PostAsync($"/api/machines/{stranger.Id}/unregistration", null, Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        Assert.Equal(
            HttpStatusCode.NoContent, (await platform.Client(token).PostAsync($"/api/machines/{machine.Id}/unregistration", null, Stop)).StatusCode);

        Assert.Equal(HttpStatusCode.Created, (await next.RegisterAsync(platform.Client(), vault.Credentials, "the name")).StatusCode);
        Assert.Equal([machine.Id, next.Id], (await ListAsync(vault, "")).Select(one => one.Id));
        Assert.Equal([next.Id], (await ListAsync(vault, "?state=Registered")).Select(one => one.Id));
        var gone = Assert.Single(await ListAsync(vault, "?state=Deregistered"));
        Assert.Equal((machine.Id, MachineState.Deregistered), (gone.Id, gone.State));
        Assert.NotNull(gone.DeregisteredAt);
        await RefusedAsync(
            await platform.Client(vault.OperatorToken).GetAsync($"/api/vaults/{vault.Id}/machines?state=gone", Stop),
            HttpStatusCode.BadRequest, ProblemCodes.Invalid);
        var challenge = await RegistrationFixture.AnswerAsync<RecoveryChallenge>(await platform.Client().PostAsJsonAsync(
            "/api/recovery-challenges", new OpenRecovery(vault.Credentials, "the name"), Stop));
        Assert.Equal(next.Id, challenge.MachineId);
        await machine.RecoveryTokenAsync(platform.Client(), vault.Credentials);
    }

    [Fact]
    public async Task GivenOthers_WhenTheyDeregister_ThenTheMachineIsNotFoundOrTheyMayNot()
    {
        var (_, machine) = await RegisterAsync();
        var (stranger, _) = await RegisterAsync();
        var token = (await machine.TokenAsync(platform.Client())).Token;

        await RefusedAsync(
            await platform.Client(stranger.OperatorToken).DeleteAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RefusedAsync(await platform.Client(token).DeleteAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        await RefusedAsync(await platform.Client().DeleteAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        await machine.TokenAsync(platform.Client());
    }

    [Fact]
    public async Task GivenAMachine_WhenItIsTakenOver_ThenTheNewIdentitySpeaksAndTheOldOneHasEnded()
    {
        var (vault, machine) = await RegisterAsync("kept");
        var successor = new TestMachine { Id = machine.Id };
        var old = (await machine.TokenAsync(platform.Client())).Token;
        var request = machine.ReplaceBy(successor, vault.Credentials, await machine.ChallengeRecoveryAsync(platform.Client(), vault.Credentials));

        var document = await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(await machine.ReplaceAsync(platform.Client(), request));
        var again = await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(await machine.ReplaceAsync(platform.SecondClient(), request));

        Assert.Equal((machine.Id, "kept", vault.Id), (document.Id, document.Name, document.VaultId));
        Assert.Equivalent(document, again, strict: true);
        var token = (await successor.TokenAsync(platform.Client())).Token;
        var seen = await RegistrationFixture.AnswerAsync<MachineDocument>(await platform.Client(token).GetAsync($"/api/machines/{machine.Id}", Stop));
        Assert.Equal(("kept", "Asia/Tokyo", MachineState.Registered), (seen.Name, seen.TimeZone, seen.State));
        await RefusedAsync(
            await platform.SecondClient(old).GetAsync($"/api/machines/{machine.Id}", Stop), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        var told = await RefusedAsync(
            await machine.RequestAsync(platform.Client(), machine.Sign(await machine.ChallengeAsync(platform.Client()))),
            HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        Assert.Contains("taken over", told.Detail, StringComparison.Ordinal);
        await RefusedAsync(await machine.RegisterAsync(platform.Client(), vault.Credentials, "kept"), HttpStatusCode.Conflict, ProblemCodes.MachineExists);
    }

    [Fact]
    public async Task GivenTwoReplacements_WhenTheFirstIsReplayed_ThenItDoesNotTakeTheMachineBack()
    {
        var (vault, machine) = await RegisterAsync();
        var (first, second) = (new TestMachine { Id = machine.Id }, new TestMachine { Id = machine.Id });
        var overheard = machine.ReplaceBy(first, vault.Credentials, await machine.ChallengeRecoveryAsync(platform.Client(), vault.Credentials));
        await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(await machine.ReplaceAsync(platform.Client(), overheard));
        await RegistrationFixture.AnswerAsync<RegisteredMachineDocument>(await machine.ReplaceAsync(
            platform.Client(), machine.ReplaceBy(second, vault.Credentials, await machine.ChallengeRecoveryAsync(platform.Client(), vault.Credentials))));

        await RefusedAsync(await machine.ReplaceAsync(platform.SecondClient(), overheard), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);

        await second.TokenAsync(platform.Client());
    }

    [Fact]
    public async Task GivenNoProofOfThePassphrase_WhenReplacing_ThenTheMachineStaysWhatItIs()
    {
        var (vault, machine) = await RegisterAsync();
        var thief = new TestMachine { Id = machine.Id };
        var client = platform.Client();
        var nonce = await machine.ChallengeRecoveryAsync(client, vault.Credentials);
        var good = machine.ReplaceBy(thief, vault.Credentials, nonce);

        foreach (var wrong in new[]
        {
            thief.ReplaceBy(thief, vault.Credentials, nonce),
            good with { Signature = machine.Prove(RecoveryProofs.Token(machine.Id, nonce)) },
            good with { IdentityPublicKey = new TestMachine().IdentityPublicKey },
            machine.ReplaceBy(thief, vault.Credentials, "made up"),
        })
        {
            await RefusedAsync(await machine.ReplaceAsync(client, wrong), HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        }

        var recover = await platform.DownloadAsync(vault, "recover");
        await RefusedAsync(
            await machine.ReplaceAsync(client, machine.ReplaceBy(thief, recover, nonce)), HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        var problem = await RefusedAsync(
            await machine.ReplaceAsync(client, new ReplaceMachine(null, null, null, null, null)), HttpStatusCode.BadRequest, ProblemCodes.Invalid);
        Assert.Equal(
            ["credentials", "identityPublicKey", "nonce", "signature", "timeZone"], problem.Errors!.Keys.Order(StringComparer.Ordinal));
        await machine.TokenAsync(client);
    }

    [Fact]
    public async Task GivenADeregisteredMachine_WhenTakenOver_ThenItNeedsItsNameAndAPlaceAndIsThereAgain()
    {
        var (vault, machine) = await RegisterAsync("name");
        var operators = platform.Client(vault.OperatorToken);
        await operators.DeleteAsync($"/api/machines/{machine.Id}", Stop);
        var namesake = new TestMachine();
        await namesake.RegisterAsync(platform.Client(), vault.Credentials, "name");
        var successor = new TestMachine { Id = machine.Id };
        async Task<HttpResponseMessage> ReplaceAsync() => await machine.ReplaceAsync(platform.Client(), machine.ReplaceBy(
            successor, vault.Credentials, await machine.ChallengeRecoveryAsync(platform.Client(), vault.Credentials)));

        await RefusedAsync(await ReplaceAsync(), HttpStatusCode.Conflict, ProblemCodes.MachineExists);
        await operators.DeleteAsync($"/api/machines/{namesake.Id}", Stop);
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync()).StatusCode);

        await successor.TokenAsync(platform.Client());
        Assert.Equal([machine.Id], (await ListAsync(vault, "?state=Registered")).Select(one => one.Id));
    }

    [Fact]
    public async Task GivenAFullVault_WhenOneMachineIsDeregistered_ThenOneMoreMayComeAndNotTwo()
    {
        var vault = await platform.CreateVaultAsync();
        await using var small = platform.StartReplica(new Dictionary<string, string> { ["Limits:MachinesPerVault"] = "2" });
        using var client = small.CreateClient();
        var machines = Enumerable.Range(0, 4).Select(_ => new TestMachine()).ToList();
        Assert.Equal(HttpStatusCode.Created, (await machines[0].RegisterAsync(client, vault.Credentials, "0")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await machines[1].RegisterAsync(client, vault.Credentials, "1")).StatusCode);
        await RefusedAsync(await machines[2].RegisterAsync(client, vault.Credentials, "2"), HttpStatusCode.Conflict, ProblemCodes.MachineLimit);

        await platform.Client(vault.OperatorToken).DeleteAsync($"/api/machines/{machines[0].Id}", Stop);

        var answers = await Task.WhenAll(
            machines[2].RegisterAsync(client, vault.Credentials, "2"), machines[3].RegisterAsync(client, vault.Credentials, "3"));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        await RefusedAsync(
            await machines[0].ReplaceAsync(client, machines[0].ReplaceBy(
                new TestMachine(), vault.Credentials, await machines[0].ChallengeRecoveryAsync(client, vault.Credentials))),
            HttpStatusCode.Conflict, ProblemCodes.MachineLimit);
    }

    [Fact]
    public async Task GivenAVaultThatIsDeleted_WhenHeardOf_ThenItsMachinesHaveEndedAndItsCredentialsOpenNothing()
    {
        var (vault, machine) = await RegisterAsync();
        var token = (await machine.TokenAsync(platform.Client())).Token;
        var recovery = (await machine.RecoveryTokenAsync(platform.Client(), vault.Credentials)).Token;
        var deleted = new VaultDeleted(vault.Id, 9, DateTimeOffset.UnixEpoch, vault.SubscriptionId);

        await platform.PublishAsync(deleted);
        await platform.PublishAsync(deleted);
        await platform.PublishAsync(new VaultReopened(vault.Id, 8, DateTimeOffset.UnixEpoch, vault.SubscriptionId));
        await platform.PublishAsync(new VaultCreated(vault.Id, 1, DateTimeOffset.UnixEpoch, vault.SubscriptionId, "The vault", Redundancy.LRS));

        await RegistrationFixture.UntilAsync(
            ProblemCodes.CredentialsRevoked, () => new TestMachine().RegisterAsync(platform.Client(), vault.Credentials, "late"));
        await RegistrationFixture.UntilAsync(
            ProblemCodes.Unauthenticated, () => platform.SecondClient(token).GetAsync($"/api/machines/{machine.Id}", Stop));
        await RegistrationFixture.UntilAsync(
            ProblemCodes.Unauthenticated, () => platform.Client(recovery).GetAsync($"/api/machines/{machine.Id}", Stop));
        await RegistrationFixture.UntilAsync(
            ProblemCodes.Unauthenticated,
            async () => await machine.RequestAsync(platform.Client(), machine.Sign(await machine.ChallengeAsync(platform.Client()))));
        await RefusedAsync(
            await platform.Client(vault.OperatorToken).GetAsync($"/api/vaults/{vault.Id}/machines", Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenAClosingVault_WhenCredentialsAreShown_ThenTheyAreRefusedUntilItIsOpenAgain()
    {
        var vault = await platform.CreateVaultAsync();
        await platform.PublishAsync(new VaultClosing(vault.Id, 5, DateTimeOffset.UnixEpoch, vault.SubscriptionId));
        await RegistrationFixture.UntilAsync(
            ProblemCodes.Conflict, () => new TestMachine().RegisterAsync(platform.Client(), vault.Credentials, Guid.NewGuid().ToString()));

        await platform.PublishAsync(new VaultReopened(vault.Id, 6, DateTimeOffset.UnixEpoch, vault.SubscriptionId));
        await platform.PublishAsync(new VaultClosing(vault.Id, 5, DateTimeOffset.UnixEpoch, vault.SubscriptionId));

        await RegistrationFixture.UntilAsync(null, () => new TestMachine().RegisterAsync(platform.Client(), vault.Credentials, "open"));
    }

    [Fact]
    public void GivenFactsOfAVault_WhenTheyComeInAnyOrder_ThenTheNewestStateStaysAndTheNameIsKnown()
    {
        var (id, tenant) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var created = new VaultCreated(id, 1, DateTimeOffset.UnixEpoch, tenant, "v", Redundancy.LRS);
        Func<KnownVault?, KnownVault>[] facts =
        [
            known => KnownVault.Apply(known, created),
            known => KnownVault.Apply(known, new VaultClosing(id, 3, DateTimeOffset.UnixEpoch, tenant), tenant, KnownVaultState.Closing),
            known => KnownVault.Apply(known, new VaultReopened(id, 4, DateTimeOffset.UnixEpoch, tenant), tenant, KnownVaultState.Open),
            known => KnownVault.Apply(known, new VaultDeleted(id, 7, DateTimeOffset.UnixEpoch, tenant), tenant, KnownVaultState.Deleted),
        ];

        foreach (var order in Orders(facts))
        {
            KnownVault? known = null;
            foreach (var fact in order.Concat(order))
            {
                known = fact(known);
            }

            Assert.Equal((KnownVaultState.Deleted, "v", tenant), (known!.State, known.Name, known.SubscriptionId));
        }
    }

    [Fact]
    public async Task GivenEndsOfOneIdentity_WhenTheyRaceAndRepeat_ThenTheHighestGenerationStays()
    {
        var store = platform.Services.GetRequiredService<IDocumentStore>();
        var (vault, machine) = (Guid.CreateVersion7(), Guid.CreateVersion7());

        await Task.WhenAll(new[] { 3, 5, 2, 5, 4, 1 }.Select(generation => platform.PublishAsync(
            generation % 2 == 0
                ? new MachineReplaced(machine, generation, DateTimeOffset.UnixEpoch, vault, vault, "m", "Etc/UTC", generation + 1)
                : new MachineDeregistered(machine, generation, DateTimeOffset.UnixEpoch, vault, vault, generation))));

        var gate = new IdentityGate(store, TimeProvider.System, TimeSpan.Zero);
        var started = TimeProvider.System.GetTimestamp();
        while (!await gate.HasEndedAsync(machine, 5, Stop))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(1));
            await Task.Delay(50, Stop);
        }

        await platform.PublishAsync(new MachineReplaced(machine, 9, DateTimeOffset.UnixEpoch, vault, vault, "m", "Etc/UTC", 2));
        Assert.True(await gate.HasEndedAsync(machine, 5, Stop));
        Assert.False(await gate.HasEndedAsync(machine, 6, Stop));
    }

    private async Task<IReadOnlyList<MachineDocument>> ListAsync(TestVault vault, string query) =>
        (await RegistrationFixture.AnswerAsync<Page<MachineDocument>>(
            await platform.Client(vault.OperatorToken).GetAsync($"/api/vaults/{vault.Id}/machines{query}", Stop))).Items;

    private async Task<(TestVault Vault, TestMachine Machine)> RegisterAsync(string name = "workstation")
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        Assert.Equal(HttpStatusCode.Created, (await machine.RegisterAsync(platform.Client(), vault.Credentials, name)).StatusCode);
        return (vault, machine);
    }

    private static IEnumerable<T[]> Orders<T>(T[] all) => all.Length == 0
        ? [[]]
        : all.SelectMany((first, i) => Orders([.. all[..i], .. all[(i + 1)..]]).Select(rest => (T[])[first, .. rest]));

    private static Task<ProblemDocument> RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) =>
        RegistrationFixture.RefusedAsync(answer, status, code);
}
