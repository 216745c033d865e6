using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.RegistrationService.Vaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Registration.Tests;

/// <summary>Tokens for machines, and what this service hears of vaults.</summary>
public sealed class MachineTokenTests(RegistrationFixture platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenARegisteredMachine_WhenItSignsTheChallenge_ThenItsTokenSaysWhoItIsFor15Minutes()
    {
        var vault = await platform.CreateVaultAsync();
        var machine = new TestMachine();
        await machine.RegisterAsync(platform.Client(), vault.Credentials);
        var verifier = platform.Services.GetRequiredService<TokenVerifier>();

        var token = await machine.TokenAsync(platform.Client());

        Assert.Equal([new("http://ingest.test")], token.Endpoints.Ingest);
        var (verified, refusal) = await verifier.VerifyAsync(token.Token, TokenKinds.ApiAudience, Stop);
        Assert.Null(refusal);
        Assert.Equal(TokenKinds.RegistrationIssuer, verified!.Issuer);
        Assert.Equal(machine.Id.ToString(), verified.GetClaim(TokenKinds.Machine).Value);
        Assert.Equal(vault.Id.ToString(), verified.GetClaim(TokenKinds.Vault).Value);
        Assert.Equal(vault.SubscriptionId.ToString(), verified.GetClaim(TokenKinds.Subscription).Value);
        Assert.Equal(token.ExpiresAt.UtcDateTime, verified.ValidTo);
        Assert.InRange(verified.ValidTo - verified.ValidFrom, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15));
    }

    [Fact]
    public async Task GivenWrongAnswers_WhenATokenIsRequested_ThenAllAreRefusedAlike()
    {
        var vault = await platform.CreateVaultAsync();
        var (machine, other, unknown) = (new TestMachine(), new TestMachine(), new TestMachine());
        await machine.RegisterAsync(platform.Client(), vault.Credentials, "machine");
        await other.RegisterAsync(platform.Client(), vault.Credentials, "other");
        var client = platform.Client();
        var nonce = await machine.ChallengeAsync(client);
        var good = machine.Sign(nonce);
        var othersNonce = await other.ChallengeAsync(client);
        var expired = RegistrationFixture.Challenges(TimeSpan.FromSeconds(-61)).Make(machine.Id).Nonce;
        var altered = (byte[])good.Signature!.Clone();
        altered[5] ^= 1;

        HttpResponseMessage[] refused =
        [
            await machine.RequestAsync(client, good with { Signature = altered }),
            await machine.RequestAsync(client, good with { Signature = [] }),
            await machine.RequestAsync(client, good with { Signature = null }),
            await machine.RequestAsync(client, new RequestToken(null, good.Signature)),
            await machine.RequestAsync(client, other.Sign(nonce, machine.Id)),
            await machine.RequestAsync(client, machine.Sign(othersNonce)),
            await other.RequestAsync(client, machine.Sign(nonce, other.Id)),
            await machine.RequestAsync(client, machine.Sign(expired)),
            await machine.RequestAsync(client, machine.Sign("made up")),
            await unknown.RequestAsync(client, unknown.Sign(await unknown.ChallengeAsync(client))),
        ];

        var details = new HashSet<string?>();
        foreach (var answer in refused)
        {
            details.Add((await RegistrationFixture.RefusedAsync(answer, HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated)).Detail);
        }

        Assert.Single(details);
        Assert.Equal(HttpStatusCode.OK, (await machine.RequestAsync(client, good)).StatusCode);
    }

    [Fact]
    public async Task GivenVaultCreatedTwice_WhenHeard_ThenTheVaultIsKnownOnce()
    {
        var fact = new VaultCreated(Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), 1, DateTimeOffset.UnixEpoch, Guid.Empty, "heard", Redundancy.LRS);
        var bus = platform.Services.GetRequiredService<IBus>();
        await bus.Publish(fact, Stop);
        await bus.Publish(fact, Stop);

        var store = platform.Services.GetRequiredService<IDocumentStore>();
        var known = await store.AwaitVaultAsync(fact.StreamId, TimeProvider.System, Stop);

        Assert.Equal(new KnownVault(fact.StreamId, 1, Guid.Empty, "heard"), known);
    }

    [Fact]
    public async Task GivenALaterFactOfAVault_WhenAnEarlierComesAfter_ThenTheLaterStays()
    {
        var store = platform.Services.GetRequiredService<IDocumentStore>();
        var later = new VaultCreated(Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), 2, DateTimeOffset.UnixEpoch, Guid.Empty, "later", Redundancy.LRS);

        foreach (var fact in new[] { later, later with { Version = 1, Name = "earlier" }, later with { Name = "again" } })
        {
            await store.ApplyAsync<KnownVault, VaultCreated>(fact, KnownVault.Apply, Stop);
        }

        await using var session = store.QuerySession();
        Assert.Equal("later", (await session.LoadAsync<KnownVault>(later.StreamId, Stop))?.Name);
    }
}
