using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.ServiceDefaults.Identity;

namespace BackupPlatform.Ingest.Tests;

/// <summary>Reading a machine's recovery points elsewhere, and identities that have ended.</summary>
public sealed class RecoveryCallerTests(IngestHost host)
{
    [Fact]
    public async Task GivenSomeoneWhoRecoversAMachine_WhenCalling_ThenItsPointsAreReadAndNothingElse()
    {
        var (machine, other) = (await TestMachine.RegisterAsync(host), await TestMachine.RegisterAsync(host));
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        var job = await machine.OpenAsync();
        var recovery = Token(machine, Guid.CreateVersion7());
        var stranger = Token(other, Guid.CreateVersion7());
        var ids = TestMachine.Ids(chunk.Id);

        foreach (var (method, path, body) in new (HttpMethod, string, byte[]?)[]
        {
            (HttpMethod.Get, $"/api/machines/{machine.Id:D}/recovery-points", null),
            (HttpMethod.Get, $"/api/recovery-points/{point.Id:D}", null),
            (HttpMethod.Get, $"/api/recovery-points/{point.Id:D}/manifest", null),
            (HttpMethod.Post, $"/api/recovery-points/{point.Id:D}/chunks", ids),
            (HttpMethod.Post, $"/api/recovery-points/{point.Id:D}/chunks/missing", ids),
        })
        {
            using var answer = await machine.SendAsync(method, path, body, ChunkIdLists.MediaType, recovery);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
            await TestMachine.RefusedAsync(machine.SendAsync(method, path, body, ChunkIdLists.MediaType, stranger), ProblemCodes.NotFound);
        }

        foreach (var (method, path, mediaType, code) in new (HttpMethod, string, string?, string)[]
        {
            (HttpMethod.Post, $"/api/backup-jobs/{job.Id:D}/chunks/missing", ChunkIdLists.MediaType, ProblemCodes.Forbidden),
            (HttpMethod.Put, $"/api/backup-jobs/{job.Id:D}/segments/1", ChunkIdLists.FramesMediaType, ProblemCodes.Forbidden),
            (HttpMethod.Post, $"/api/backup-jobs/{job.Id:D}/seal", ChunkIdLists.SealMediaType, ProblemCodes.Forbidden),
            (HttpMethod.Post, "/api/backup-jobs", "application/json", ProblemCodes.Forbidden),
            (HttpMethod.Get, $"/api/backup-jobs/{job.Id:D}", null, ProblemCodes.NotFound),
            (HttpMethod.Delete, $"/api/backup-jobs/{job.Id:D}", null, ProblemCodes.NotFound),
            (HttpMethod.Get, $"/api/machines/{machine.Id:D}/jobs", null, ProblemCodes.Forbidden),
            (HttpMethod.Get, $"/api/vaults/{machine.VaultId:D}/jobs", null, ProblemCodes.Forbidden),
        })
        {
            await TestMachine.RefusedAsync(
                machine.SendAsync(method, path, mediaType is null ? null : "{\"item\":\"files\"}"u8.ToArray(), mediaType, recovery), code);
        }
    }

    [Fact]
    public async Task GivenADeregisteredMachine_WhenHeardOf_ThenItIsRefusedAndItsPointsAreStillReadByOthers()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var point = await machine.BackUpAsync([TestMachine.Chunk()]);
        var path = $"/api/recovery-points/{point.Id:D}";
        var deregistered = new MachineDeregistered(
            machine.Id, 2, host.Clock.GetUtcNow(), machine.SubscriptionId, machine.VaultId, Generation: 1);

        await host.PublishAsync(deregistered);
        await host.PublishAsync(deregistered);
        await host.PublishAsync(machine.Registered("Europe/Berlin"));

        await UntilAsync(machine, path, machine.MachineToken, HttpStatusCode.Unauthorized);
        await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.Unauthenticated);
        await UntilAsync(machine, path + "/manifest", Token(machine, Guid.CreateVersion7()), HttpStatusCode.OK);
        await UntilAsync(machine, path, machine.OperatorToken, HttpStatusCode.OK);
    }

    [Fact]
    public async Task GivenAMachineThatWasTakenOver_WhenHeardOf_ThenOnlyTheNewGenerationBacksUp()
    {
        var machine = await TestMachine.RegisterAsync(host);
        await host.PublishAsync(new MachineReplaced(
            machine.Id, 2, host.Clock.GetUtcNow(), machine.SubscriptionId, machine.VaultId, "machine", "Asia/Tokyo", Generation: 2));
        var path = $"/api/machines/{machine.Id:D}/recovery-points";

        await UntilAsync(machine, path, machine.MachineToken, HttpStatusCode.Unauthorized);

        var second = Token(machine, claims => claims[TokenKinds.Generation] = 2);
        await UntilAsync(machine, path, second, HttpStatusCode.OK);
        await TestMachine.RefusedAsync(
            machine.SendAsync(HttpMethod.Get, path, token: Token(machine, claims => claims[TokenKinds.Generation] = 0)), ProblemCodes.Unauthenticated);
    }

    [Fact]
    public async Task GivenRevokedCredentials_WhenHeardOf_ThenTheirSessionsAreRefusedAndOthersAreNot()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var credentials = Guid.CreateVersion7();
        var path = $"/api/machines/{machine.Id:D}/recovery-points";
        await UntilAsync(machine, path, Token(machine, credentials), HttpStatusCode.OK);

        await host.PublishAsync(new VaultCredentialsRevoked(
            machine.VaultId, 4, host.Clock.GetUtcNow(), machine.SubscriptionId, credentials));

        await UntilAsync(machine, path, Token(machine, credentials), HttpStatusCode.Unauthorized);
        await TestMachine.RefusedAsync(
            machine.SendAsync(HttpMethod.Get, path, token: Token(machine, credentials)), ProblemCodes.CredentialsRevoked);
        await UntilAsync(machine, path, Token(machine, Guid.CreateVersion7()), HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("not an id")]
    [InlineData("")]
    public async Task GivenARecoveryTokenThatNamesNoCredentials_WhenCalling_ThenItIsNobodysAndNotTheMachines(string credentials)
    {
        var machine = await TestMachine.RegisterAsync(host);
        var token = Token(machine, claims => claims[TokenKinds.Recovery] = credentials);

        await TestMachine.RefusedAsync(
            machine.SendAsync(HttpMethod.Get, $"/api/machines/{machine.Id:D}/recovery-points", token: token), ProblemCodes.Unauthenticated);
    }

    private static async Task UntilAsync(TestMachine machine, string path, string token, HttpStatusCode status) =>
        await IngestHost.EventuallyAsync(async () =>
        {
            using var answer = await machine.SendAsync(HttpMethod.Get, path, token: token);
            return answer.StatusCode == status ? "so" : null;
        });

    private string Token(TestMachine machine, Guid credentials) => Token(machine, claims =>
    {
        claims[TokenKinds.Recovery] = credentials.ToString("D");
        claims[TokenKinds.Session] = host.Clock.GetUtcNow().ToUnixTimeSeconds();
        claims[TokenKinds.CredentialsExpire] = host.Clock.GetUtcNow().AddDays(1).ToUnixTimeSeconds();
    });

    private string Token(TestMachine machine, Action<Dictionary<string, object>> more)
    {
        var claims = new Dictionary<string, object>
        {
            [TokenKinds.Machine] = machine.Id.ToString("D"),
            [TokenKinds.Vault] = machine.VaultId.ToString("D"),
            [TokenKinds.Subscription] = machine.SubscriptionId.ToString("D"),
        };
        more(claims);
        return host.Registration.Sign(TokenKinds.ApiAudience, claims, host.Clock.GetUtcNow().AddMinutes(15));
    }
}
