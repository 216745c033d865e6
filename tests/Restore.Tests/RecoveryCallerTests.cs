using System.Net;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Restore.Tests;

/// <summary>Restoring a machine's points elsewhere, and by identities that have ended.</summary>
[Collection(OneService.Name)]
public sealed class RecoveryCallerTests(RestorePlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenSomeoneWhoRecoversAMachine_WhenRestoring_ThenItsJobsAreTheirsAndNoOthers()
    {
        var (machine, other) = (await platform.NewMachineAsync(), await platform.NewMachineAsync());
        using var recovery = platform.AsRecoveryOf(machine, Guid.CreateVersion7(), TimeSpan.FromDays(1));
        using var stranger = platform.AsRecoveryOf(other, Guid.CreateVersion7(), TimeSpan.FromDays(1));

        var job = await RequestAsync(recovery, machine);

        foreach (var path in new[] { $"/api/restore-jobs/{job}", $"/api/machines/{machine.Id}/restore-jobs" })
        {
            Assert.Equal(HttpStatusCode.OK, (await recovery.GetAsync(path, Stop)).StatusCode);
            await RefusedAsync(await stranger.GetAsync(path, Stop), ProblemCodes.NotFound);
        }

        await RefusedAsync(await recovery.GetAsync($"/api/vaults/{machine.VaultId}/restore-jobs", Stop), ProblemCodes.Forbidden);
        await RefusedAsync(await stranger.PutAsync($"/api/restore-jobs/{job}/selection", Ids(), Stop), ProblemCodes.NotFound);
        Assert.Equal(HttpStatusCode.Accepted, (await recovery.PutAsync($"/api/restore-jobs/{job}/selection", Ids(), Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await recovery.DeleteAsync($"/api/restore-jobs/{job}", Stop)).StatusCode);
    }

    [Fact]
    public async Task GivenCredentialsThatHaveExpired_WhenRestoring_ThenWhatBeganGoesOnAndNothingBegins()
    {
        var machine = await platform.NewMachineAsync();
        var credentials = Guid.CreateVersion7();
        using var before = platform.AsRecoveryOf(machine, credentials, TimeSpan.FromDays(1));
        using var after = platform.AsRecoveryOf(machine, credentials, TimeSpan.FromSeconds(-1));
        var job = await RequestAsync(before, machine);

        await RefusedAsync(
            await after.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Stop), ProblemCodes.CredentialsExpired);

        Assert.Equal(HttpStatusCode.Accepted, (await after.PutAsync($"/api/restore-jobs/{job}/selection", Ids(), Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await after.GetAsync($"/api/restore-jobs/{job}", Stop)).StatusCode);
    }

    [Fact]
    public async Task GivenAnEndedIdentity_WhenHeardOf_ThenItIsRefusedAndRecoveryAndOperatorsStillRead()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        using var recovery = platform.AsRecoveryOf(machine, Guid.CreateVersion7(), TimeSpan.FromDays(1));
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        var path = $"/api/machines/{machine.Id}/restore-jobs";
        Assert.Equal(HttpStatusCode.OK, (await agent.GetAsync(path, Stop)).StatusCode);

        await platform.Bus.PublishAsync(new MachineDeregistered(
            machine.Id, 2, DateTimeOffset.UnixEpoch, machine.SubscriptionId, machine.VaultId, Generation: 1));

        await Eventually.HoldsAsync(async () => (await agent.GetAsync(path, Stop)).StatusCode == HttpStatusCode.Unauthorized);
        await RefusedAsync(await agent.GetAsync(path, Stop), ProblemCodes.Unauthenticated);
        Assert.Equal(HttpStatusCode.OK, (await operators.GetAsync(path, Stop)).StatusCode);
        await RequestAsync(recovery, machine);
    }

    [Fact]
    public async Task GivenRevokedCredentials_WhenHeardOf_ThenTheirSessionsAreRefused()
    {
        var machine = await platform.NewMachineAsync();
        var credentials = Guid.CreateVersion7();
        using var recovery = platform.AsRecoveryOf(machine, credentials, TimeSpan.FromDays(1));
        await RequestAsync(recovery, machine);

        await platform.Bus.PublishAsync(new VaultCredentialsRevoked(
            machine.VaultId, 5, DateTimeOffset.UnixEpoch, machine.SubscriptionId, credentials));

        var path = $"/api/machines/{machine.Id}/restore-jobs";
        await Eventually.HoldsAsync(async () => (await recovery.GetAsync(path, Stop)).StatusCode == HttpStatusCode.Unauthorized);
        await RefusedAsync(await recovery.GetAsync(path, Stop), ProblemCodes.CredentialsRevoked);
    }

    private static ByteArrayContent Ids()
    {
        var content = new ByteArrayContent(new byte[32]);
        content.Headers.ContentType = new(ChunkIdLists.MediaType);
        return content;
    }

    private static async Task<Guid> RequestAsync(HttpClient client, TestMachine machine)
    {
        var answer = await client.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Stop);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<RestoreJobDocument>(ContractsJson.Default.Options, Stop))!.Id;
    }

    private static async Task RefusedAsync(HttpResponseMessage answer, string code) => Assert.Equal(
        code, (await answer.Content.ReadFromJsonAsync<ProblemDocument>(ContractsJson.Default.Options, Stop))!.Code);
}
