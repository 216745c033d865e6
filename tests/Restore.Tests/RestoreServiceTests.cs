using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;
using BackupPlatform.Restore.Tests;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using BackupPlatform.Testing.Services;

[assembly: AssemblyFixture(typeof(Servers))]

namespace BackupPlatform.Restore.Tests;

/// <summary>The tests of one service: two of its name on one bus would take one another's messages.</summary>
[CollectionDefinition(Name)]
public sealed class OneService : ICollectionFixture<RestorePlatform>
{
    public const string Name = "restore";
}

[Collection(OneService.Name)]
public sealed class RestoreServiceTests(RestorePlatform platform)
{
    private static readonly byte[] Selection = [.. Enumerable.Range(0, 3 * 32).Select(i => (byte)i)];
    private readonly Seed seed = Seed.New(TestContext.Current.TestOutputHelper!.WriteLine);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAReadyJob_WhenStreamed_ThenTheFramesComeInPlanOrderFromAnyEntryAndTheBlobsGoAtTheEnd()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);
        Assert.Equal((RestoreJobState.Requested, machine.PointId), (job.State, job.RecoveryPointId));

        Assert.Equal(RestoreJobState.Planning, (await SelectAsync(agent, job.Id, Selection)).State);
        var asked = await platform.Bus.FirstAsync<RestoreRequested>(message => message.StreamId == job.Id);
        Assert.Equal(
            (machine.SubscriptionId, machine.VaultId, machine.Id, machine.PointId),
            (asked.SubscriptionId, asked.VaultId, asked.MachineId, asked.RecoveryPointId));
        Assert.Equal(Selection, await platform.Blobs.ReadAllAsync(asked.SelectionBlob!, 1000, Cancellation));

        var (frames, _) = await platform.PlanAsync(machine, job.Id, seed, [100, 2_000_000, 50_000, -70, 80], [1_900_000, 90]);
        await PlannedAsync(job.Id, 6, frames.Length);
        await PlannedAsync(job.Id, 6, frames.Length);
        await platform.Bus.FirstAsync<RestoreReady>(message => message.StreamId == job.Id && message.Chunks == 6 && message.Bytes == frames.Length);
        await SelectAsync(agent, job.Id, Selection);

        Assert.Equal(frames, await agent.GetByteArrayAsync($"/api/restore-jobs/{job.Id}/frames", Cancellation));
        Assert.Equal(frames[2_000_100..], await agent.GetByteArrayAsync($"/api/restore-jobs/{job.Id}/frames?from=2", Cancellation));
        Assert.Empty(await agent.GetByteArrayAsync($"/api/restore-jobs/{job.Id}/frames?from=6", Cancellation));
        await RefusedAsync(await agent.GetAsync($"/api/restore-jobs/{job.Id}/frames?from=7", Cancellation), ProblemCodes.Invalid);
        Assert.Equal(RestoreJobState.Streaming, (await ReadAsync(agent, job.Id)).State);

        for (var times = 0; times < 2; times++)
        {
            var done = await agent.PostAsJsonAsync($"/api/restore-jobs/{job.Id}/completion", new FinishRestore(true, null), Cancellation);
            Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        }

        await platform.Bus.FirstAsync<RestoreCompleted>(message => message.StreamId == job.Id);
        await GoneAsync(asked.SelectionBlob!);
        await GoneAsync(RestorePlatform.PlanBlob(job.Id));
        Assert.Single(platform.Bus.Heard.Where(one => one.Message is RestoreReady && one.Message.StreamId == job.Id).DistinctBy(one => one.MessageId));
    }

    [Fact]
    public async Task GivenAPackThatIsMissing_WhenStreamed_ThenTheAnswerAndTheJobSayIntegrityAndNameIt()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var (job, head, _) = await ReadyAsync(agent, machine, [1000]);
        await platform.Blobs.DeleteAsync(head.PackBlob(0), Cancellation);

        await RefusedAsync(await agent.GetAsync($"/api/restore-jobs/{job}/frames", Cancellation), ProblemCodes.Integrity);

        var failed = await ReadAsync(agent, job);
        Assert.Equal((RestoreJobState.Failed, ProblemCodes.Integrity), (failed.State, failed.Code));
        Assert.Contains(head.Packs[0].ToString("D"), failed.Reason, StringComparison.Ordinal);
        await platform.Bus.FirstAsync<RestoreFailed>(message => message.StreamId == job && message.Code == ProblemCodes.Integrity);
    }

    [Fact]
    public async Task GivenAPackThatIsCutOff_WhenStreamed_ThenTheTransferBreaksAfterTheGoodFramesAndTheJobFails()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var (job, head, frames) = await ReadyAsync(agent, machine, [30_000], [2_000_000]);
        var whole = await platform.Blobs.ReadAllAsync(head.PackBlob(1), int.MaxValue, Cancellation);
        await platform.Blobs.DeleteAsync(head.PackBlob(1), Cancellation);
        await platform.Blobs.WriteAllAsync(head.PackBlob(1), whole.AsMemory(0, 1_500_000), Cancellation);

        var received = new MemoryStream();
        await using (var stream = await agent.GetStreamAsync($"/api/restore-jobs/{job}/frames", Cancellation))
        {
            await Assert.ThrowsAnyAsync<IOException>(() => stream.CopyToAsync(received, Cancellation));
        }

        Assert.Equal(frames[..(int)received.Length], received.ToArray());
        var failed = await Eventually.GetAsync(() => ReadAsync(agent, job), read => read.State == RestoreJobState.Failed);
        Assert.Equal(ProblemCodes.Integrity, failed.Code);
        Assert.Contains(head.Packs[1].ToString("D"), failed.Reason, StringComparison.Ordinal);
        await RefusedAsync(await agent.GetAsync($"/api/restore-jobs/{job}/frames?from=1", Cancellation), ProblemCodes.Integrity);
    }

    [Fact]
    public async Task GivenASelectionThatIsNone_WhenSent_ThenItIsInvalidAndTheJobStillTakesARightOne()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);

        await RefusedAsync(await PutAsync(agent, job.Id, []), ProblemCodes.Invalid);
        await RefusedAsync(await PutAsync(agent, job.Id, Selection[..33]), ProblemCodes.Invalid);
        await SelectAsync(agent, job.Id, Selection);
        Assert.Equal(RestoreJobState.Planning, (await SelectAsync(agent, job.Id, Selection)).State);
        await RefusedAsync(await PutAsync(agent, job.Id, Selection[..32]), ProblemCodes.Conflict);
        await RefusedAsync(await agent.GetAsync($"/api/restore-jobs/{job.Id}/frames", Cancellation), ProblemCodes.Conflict);
    }

    [Fact]
    public async Task GivenAStoredSelectionWhoseJobNeverHeardOfIt_WhenTheSameComesAgain_ThenItIsTaken()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);
        await platform.Blobs.WriteAllAsync($"restore-jobs/{job.Id:D}/selection", Selection, Cancellation);

        await RefusedAsync(await PutAsync(agent, job.Id, Selection[..32]), ProblemCodes.Conflict);
        Assert.Equal(RestoreJobState.Planning, (await SelectAsync(agent, job.Id, Selection)).State);
    }

    [Fact]
    public async Task GivenAnotherMachineOrTenant_WhenItNamesTheJob_ThenItDoesNotExist()
    {
        var machine = await platform.NewMachineAsync();
        var stranger = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);
        using var other = platform.As(stranger);
        using var otherOperator = platform.AsOperatorOf(stranger.SubscriptionId);

        foreach (var answer in new[]
        {
            await other.GetAsync($"/api/restore-jobs/{job.Id}", Cancellation),
            await other.DeleteAsync($"/api/restore-jobs/{job.Id}", Cancellation),
            await PutAsync(other, job.Id, Selection),
            await other.GetAsync($"/api/restore-jobs/{job.Id}/frames", Cancellation),
            await other.PostAsJsonAsync($"/api/restore-jobs/{job.Id}/completion", new FinishRestore(true, null), Cancellation),
            await otherOperator.GetAsync($"/api/restore-jobs/{job.Id}", Cancellation),
            await otherOperator.DeleteAsync($"/api/restore-jobs/{job.Id}", Cancellation),
            await other.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Cancellation),
            await otherOperator.GetAsync($"/api/vaults/{machine.VaultId}/restore-jobs", Cancellation),
        })
        {
            await RefusedAsync(answer, ProblemCodes.NotFound);
        }

        using var nobody = platform.Service.CreateClient();
        await RefusedAsync(await nobody.GetAsync($"/api/restore-jobs/{job.Id}", Cancellation), ProblemCodes.Unauthenticated);
    }

    [Fact]
    public async Task GivenJobs_WhenListed_ThenTheNewestComesFirstInPagesForMachineAndOperator()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        var jobs = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            jobs.Insert(0, (await RequestAsync(agent, machine)).Id);
        }

        foreach (var (client, path) in new[] { (agent, $"/api/machines/{machine.Id}"), (operators, $"/api/machines/{machine.Id}"), (operators, $"/api/vaults/{machine.VaultId}") })
        {
            var first = await client.GetFromJsonAsync($"{path}/restore-jobs?limit=2", ContractsJson.Default.PageRestoreJobDocument, Cancellation);
            var second = await client.GetFromJsonAsync($"{path}/restore-jobs?limit=2&after={first!.Next}", ContractsJson.Default.PageRestoreJobDocument, Cancellation);

            Assert.Equal(jobs, [.. first.Items.Concat(second!.Items).Select(job => job.Id)]);
            Assert.Null(second.Next);
        }
    }

    [Fact]
    public async Task GivenAnOperator_WhenItCancels_ThenTheJobEndsAndAPlanThatComesLateIsRemoved()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        using var operators = platform.AsOperatorOf(machine.SubscriptionId);
        var job = await RequestAsync(agent, machine);
        await SelectAsync(agent, job.Id, Selection);

        for (var times = 0; times < 2; times++)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await operators.DeleteAsync($"/api/restore-jobs/{job.Id}", Cancellation)).StatusCode);
        }

        await platform.Bus.FirstAsync<RestoreFailed>(message => message is { State: RestoreJobState.Cancelled, Code: null } && message.StreamId == job.Id);
        await GoneAsync($"restore-jobs/{job.Id:D}/selection");
        await platform.PlanAsync(machine, job.Id, seed, [100]);
        await PlannedAsync(job.Id, 1, 100);
        await GoneAsync(RestorePlatform.PlanBlob(job.Id));
        Assert.Equal(RestoreJobState.Cancelled, (await ReadAsync(operators, job.Id)).State);
    }

    [Fact]
    public async Task GivenIngestRefusesAPlan_WhenToldTwice_ThenTheJobFailsOnceWithItsReason()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);
        await SelectAsync(agent, job.Id, Selection);
        var refused = new RestorePlanRefused(job.Id, 1, DateTimeOffset.UtcNow, job.Id, ProblemCodes.Integrity, "2 chunks are missing.");
        await platform.Bus.PublishAsync(refused);
        await platform.Bus.PublishAsync(refused);

        var failed = await Eventually.GetAsync(() => ReadAsync(agent, job.Id), read => read.State == RestoreJobState.Failed);
        Assert.Equal((ProblemCodes.Integrity, "2 chunks are missing."), (failed.Code, failed.Reason));
        await PlannedAsync(job.Id, 1, 100);
        await platform.Bus.FirstAsync<RestoreFailed>(message => message.StreamId == job.Id);
        Assert.Equal(RestoreJobState.Failed, (await ReadAsync(agent, job.Id)).State);
    }

    [Fact]
    public async Task GivenAnExpiryThatWasHeardOfBeforeItsPoint_WhenRestored_ThenItIsAConflict_AndAnUnknownPointDoesNotExist()
    {
        var machine = await platform.NewMachineAsync() with { PointId = Guid.CreateVersion7() };
        using var agent = platform.As(machine);
        await platform.Bus.PublishAsync(machine.PointExpired());
        await platform.Bus.PublishAsync(machine.PointCreated());
        await platform.Bus.PublishAsync(machine.PointExpired());

        // The two facts come through queues of their own; either may be first.
        await Eventually.HoldsAsync(async () =>
            (await agent.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Cancellation)).StatusCode == HttpStatusCode.Conflict);
        await RefusedAsync(await agent.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(Guid.CreateVersion7()), Cancellation), ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenAJobThatNobodyAsksFor_WhenTheClockJumpsADay_ThenItExpires()
    {
        var machine = await platform.NewMachineAsync();
        using var agent = platform.As(machine);
        var job = await RequestAsync(agent, machine);
        await SelectAsync(agent, job.Id, Selection);

        await platform.Service.SetClockAsync(TimeSpan.FromHours(25));
        await platform.Bus.FirstAsync<RestoreFailed>(message => message.State == RestoreJobState.Expired && message.StreamId == job.Id);
        await GoneAsync($"restore-jobs/{job.Id:D}/selection");
        await platform.Service.SetClockAsync(TimeSpan.Zero);

        Assert.Equal(RestoreJobState.Expired, (await ReadAsync(agent, job.Id)).State);
    }

    private static async Task<RestoreJobDocument> RequestAsync(HttpClient agent, TestMachine machine)
    {
        var answer = await agent.PostAsJsonAsync("/api/restore-jobs", new RequestRestore(machine.PointId), Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(ContractsJson.Default.RestoreJobDocument, Cancellation))!;
    }

    private static async Task<HttpResponseMessage> PutAsync(HttpClient agent, Guid jobId, byte[] selection)
    {
        using var body = new ByteArrayContent(selection);
        body.Headers.ContentType = new MediaTypeHeaderValue(ChunkIdLists.MediaType);
        return await agent.PutAsync($"/api/restore-jobs/{jobId}/selection", body, Cancellation);
    }

    private static async Task<RestoreJobDocument> SelectAsync(HttpClient agent, Guid jobId, byte[] selection)
    {
        var answer = await PutAsync(agent, jobId, selection);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(ContractsJson.Default.RestoreJobDocument, Cancellation))!;
    }

    private static async Task<RestoreJobDocument> ReadAsync(HttpClient client, Guid jobId) =>
        (await client.GetFromJsonAsync($"/api/restore-jobs/{jobId}", ContractsJson.Default.RestoreJobDocument, Cancellation))!;

    private static async Task RefusedAsync(HttpResponseMessage answer, string code)
    {
        var problem = await answer.Content.ReadFromJsonAsync(ContractsJson.Default.ProblemDocument, Cancellation);
        Assert.Equal(code, problem!.Code);
        Assert.Equal((int)answer.StatusCode, problem.Status);
    }

    private Task PlannedAsync(Guid jobId, long chunks, long bytes) => platform.Bus.PublishAsync(new RestorePlanned(
        jobId, 1, DateTimeOffset.UtcNow, jobId, RestorePlatform.PlanBlob(jobId), chunks, bytes));

    private async Task<(Guid Job, RestorePlanHead Head, byte[] Frames)> ReadyAsync(HttpClient agent, TestMachine machine, params int[][] packs)
    {
        var job = (await RequestAsync(agent, machine)).Id;
        await SelectAsync(agent, job, Selection);
        var (frames, head) = await platform.PlanAsync(machine, job, seed, packs);
        await PlannedAsync(job, head.EntryCount, head.FrameBytes);
        await Eventually.GetAsync(() => ReadAsync(agent, job), read => read.State == RestoreJobState.Ready);
        return (job, head, frames);
    }

    private Task GoneAsync(string blob) =>
        Eventually.HoldsAsync(async () => await platform.Blobs.GetLengthAsync(blob, Cancellation) is null);
}
