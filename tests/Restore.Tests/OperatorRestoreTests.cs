using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Testing;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Restore.Tests;

/// <summary>Restores that operators begin, watch and end; and points that operators deleted.</summary>
[Collection(OneService.Name)]
public sealed class OperatorRestoreTests(RestorePlatform platform)
{
    private readonly Seed seed = Seed.New(TestContext.Current.TestOutputHelper!.WriteLine);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAnOperator_WhenItRequestsARestore_ThenTheWholePointIsPlannedAndItsMachineStreamsIt()
    {
        var machine = await platform.NewMachineAsync();
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        using var agent = platform.As(machine);

        var job = await RequestAsync(operators, machine);

        Assert.Equal((RestoreJobState.Planning, machine.Id, machine.VaultId), (job.State, job.MachineId, job.VaultId));
        var asked = await platform.Bus.FirstAsync<RestoreRequested>(message => message.StreamId == job.Id);
        Assert.Equal((null, machine.PointId, machine.SubscriptionId), (asked.SelectionBlob, asked.RecoveryPointId, asked.SubscriptionId));
        var (frames, _) = await platform.PlanAsync(machine, job.Id, seed, [100, 50_000], [90]);
        await PlannedAsync(job.Id, 3, frames.Length);
        await Eventually.GetAsync(() => ReadAsync(operators, job.Id), read => read.State == RestoreJobState.Ready);
        Assert.Equal(frames, await agent.GetByteArrayAsync($"/api/restore-jobs/{job.Id}/frames", Stop));
        Assert.Equal(HttpStatusCode.Forbidden, (await operators.GetAsync($"/api/restore-jobs/{job.Id}/frames", Stop)).StatusCode);
        using var strangers = platform.AsOperatorOf(Guid.CreateVersion7());
        await RefusedAsync(await strangers.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Stop), ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenAWatcher_WhenTheJobMovesOn_ThenEachStateComesAsAnEventAndTheFinalOneEndsTheStream()
    {
        var machine = await platform.NewMachineAsync();
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        var job = await RequestAsync(operators, machine);
        using var answer = await operators.GetAsync($"/api/restore-jobs/{job.Id}/events", HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        await using var states = StatesAsync(await answer.Content.ReadAsStreamAsync(Stop)).GetAsyncEnumerator(Stop);

        Assert.Equal(RestoreJobState.Planning, (await NextAsync(states)).State);
        var (frames, _) = await platform.PlanAsync(machine, job.Id, seed, [100]);
        await PlannedAsync(job.Id, 1, frames.Length);
        var ready = await NextAsync(states);
        Assert.Equal((RestoreJobState.Ready, 1L), (ready.State, ready.Chunks));
        Assert.Equal(HttpStatusCode.NoContent, (await operators.DeleteAsync($"/api/restore-jobs/{job.Id}", Stop)).StatusCode);
        Assert.Equal(RestoreJobState.Cancelled, (await NextAsync(states)).State);
        Assert.False(await states.MoveNextAsync());

        await using var late = StatesAsync(await operators.GetStreamAsync($"/api/restore-jobs/{job.Id}/events", Stop)).GetAsyncEnumerator(Stop);
        Assert.Equal(RestoreJobState.Cancelled, (await NextAsync(late)).State);
        Assert.False(await late.MoveNextAsync());
        using var strangers = platform.AsOperatorOf(Guid.CreateVersion7());
        await RefusedAsync(await strangers.GetAsync($"/api/restore-jobs/{job.Id}/events", Stop), ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenADeletedPoint_WhenNewsComeTwiceAndOutOfOrder_ThenTheHighestVersionDecidesAndPurgeIsFinal()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        await platform.Bus.PublishAsync(machine.PointDeleted(3));
        await AnswersAsync(agent, machine, HttpStatusCode.Conflict);
        await platform.Bus.PublishAsync(machine.PointRestored(5));
        await AnswersAsync(agent, machine, HttpStatusCode.Created);

        await platform.Bus.PublishAsync(machine.PointDeleted(4));
        await platform.Bus.PublishAsync(machine.PointDeleted(3));
        await platform.Bus.PublishAsync(machine.PointRestored(5));
        var other = await platform.NewMachineAsync();
        using var otherAgent = platform.As(other);
        await platform.Bus.PublishAsync(other.PointDeleted(2));
        await AnswersAsync(otherAgent, other, HttpStatusCode.Conflict);
        await AnswersAsync(agent, machine, HttpStatusCode.Created);

        await platform.Bus.PublishAsync(machine.PointPurged(7));
        await AnswersAsync(agent, machine, HttpStatusCode.Conflict);
        await platform.Bus.PublishAsync(machine.PointRestored(9));
        await platform.Bus.PublishAsync(other.PointRestored(9));
        await AnswersAsync(otherAgent, other, HttpStatusCode.Created);
        await AnswersAsync(agent, machine, HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task GivenADeletedVault_WhenItsJobsAreListed_ThenItDoesNotExist()
    {
        var machine = await platform.NewMachineAsync();
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        var path = $"/api/vaults/{machine.VaultId}/restore-jobs";
        await Eventually.HoldsAsync(async () => (await operators.GetAsync(path, Stop)).StatusCode == HttpStatusCode.OK);

        await platform.Bus.PublishAsync(new Contracts.Vaults.VaultDeleted(machine.VaultId, 4, DateTimeOffset.UtcNow, machine.SubscriptionId));
        await platform.Bus.PublishAsync(new Contracts.Vaults.VaultDeleted(machine.VaultId, 4, DateTimeOffset.UtcNow, machine.SubscriptionId));

        await Eventually.HoldsAsync(async () => (await operators.GetAsync(path, Stop)).StatusCode == HttpStatusCode.NotFound);
    }

    private static Task AnswersAsync(HttpClient agent, TestMachine machine, HttpStatusCode status) => Eventually.HoldsAsync(async () =>
        (await agent.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Stop)).StatusCode == status);

    private static async Task<RestoreJobDocument> RequestAsync(HttpClient client, TestMachine machine)
    {
        var answer = await client.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Stop);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(ContractsJson.Default.RestoreJobDocument, Stop))!;
    }

    private static async Task<RestoreJobDocument> ReadAsync(HttpClient client, Guid jobId) =>
        (await client.GetFromJsonAsync($"/api/restore-jobs/{jobId}", ContractsJson.Default.RestoreJobDocument, Stop))!;

    private static async IAsyncEnumerable<RestoreJobDocument> StatesAsync(Stream stream)
    {
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Stop))
        {
            Assert.Equal("state", item.EventType);
            yield return JsonSerializer.Deserialize(item.Data, ContractsJson.Default.RestoreJobDocument)!;
        }
    }

    private static async Task<RestoreJobDocument> NextAsync(IAsyncEnumerator<RestoreJobDocument> states)
    {
        Assert.True(await states.MoveNextAsync());
        return states.Current;
    }

    private static async Task RefusedAsync(HttpResponseMessage answer, string code) =>
        Assert.Equal(code, (await answer.Content.ReadFromJsonAsync(ContractsJson.Default.ProblemDocument, Stop))!.Code);

    private Task PlannedAsync(Guid jobId, long chunks, long bytes) => platform.Bus.PublishAsync(new RestorePlanned(
        jobId, 1, DateTimeOffset.UtcNow, jobId, RestorePlatform.PlanBlob(jobId), chunks, bytes));
}
