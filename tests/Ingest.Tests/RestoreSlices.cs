using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Formats;
using BackupPlatform.Storage;
using BackupPlatform.Testing;

namespace BackupPlatform.Ingest.Tests;

public sealed class RestoreSlices(IngestHost host)
{
    [Fact]
    public async Task GivenASelection_WhenRequestedTwice_ThenOnePlanStreamsExactlyThoseChunks()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(40, 700);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks[..20]);
        await machine.PutAsync(job.Id, 2, chunks[20..]);
        var point = await machine.SealAsync(job, [.. chunks.Select(c => c.Id)]);
        var wanted = chunks.Where((_, i) => i % 3 != 0).OrderBy(_ => Random.Shared.Next()).ToArray();
        var request = await RequestAsync(machine, point, [.. wanted, wanted[0]]);

        await host.PublishAsync(request);
        await host.PublishAsync(request);

        var planned = await host.HeardAsync<RestorePlanned>(e => e.RestoreJobId == request.StreamId);
        Assert.Equal(wanted.Length, planned.Chunks);
        Assert.StartsWith(RestorePlan.Folder(request.StreamId), planned.PlanBlob, StringComparison.Ordinal);
        Assert.Equal(planned.Bytes, wanted.Sum(c => 44L + c.Sealed.Length));
        var streamed = await StreamAsync(planned);
        Assert.Equal(
            wanted.OrderBy(c => c.Id).Select(c => c.Sealed), streamed.OrderBy(frame => frame.Id).Select(frame => frame.Sealed));
        // In the order of the packs, in which they were sent.
        Assert.Equal(chunks.Where(c => wanted.Contains(c)).Select(c => c.Id), streamed.Select(frame => frame.Id));
        Assert.Equal(2L, await LeasedAsync(request));
        await EndAsync(new RestoreCompleted(request.StreamId, 5, request.At), request);
        await host.PublishAsync(request);
        await EndAsync(new RestoreCompleted(request.StreamId, 5, request.At), request);
        Assert.Equal(1, host.HeardCount<RestorePlanned>(e => e.RestoreJobId == request.StreamId));
    }

    [Fact]
    public async Task GivenChunksThatAreNotThere_WhenRequested_ThenRefusedWithTheirNumber()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (old, chunks) = (TestMachine.Chunks(2), TestMachine.Chunks(3));
        await machine.BackUpAsync(old);
        var point = await machine.BackUpAsync(chunks, dropped: [.. old.Select(c => c.Id)]);
        var request = await RequestAsync(machine, point, [.. chunks, .. old, TestMachine.Chunk()]);

        await host.PublishAsync(request);

        var refused = await host.HeardAsync<RestorePlanRefused>(e => e.RestoreJobId == request.StreamId);
        Assert.Equal(ProblemCodes.Integrity, refused.Code);
        Assert.StartsWith("3 of the selected chunks", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(0L, await LeasedAsync(request));
    }

    [Fact]
    public async Task GivenAPackCutOff_WhenRequested_ThenRefusedWithTheNumberOfItsChunks()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(5);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks[..3]);
        var name = $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/{await host.ScalarAsync<Guid>("select id from bulk.packs where job_id = $1", job.Id):D}";
        await machine.PutAsync(job.Id, 2, chunks[3..]);
        var point = await machine.SealAsync(job, [.. chunks.Select(c => c.Id)]);
        var bytes = await host.Blobs.ReadAllAsync(name, 1_000_000, TestContext.Current.CancellationToken);
        await host.Blobs.DeleteAsync(name, TestContext.Current.CancellationToken);
        await host.Blobs.WriteAllAsync(name, bytes.AsMemory(0, bytes!.Length - 1), TestContext.Current.CancellationToken);

        var request = await RequestAsync(machine, point, chunks);
        await host.PublishAsync(request);

        var refused = await host.HeardAsync<RestorePlanRefused>(e => e.RestoreJobId == request.StreamId);
        Assert.Equal(ProblemCodes.Integrity, refused.Code);
        Assert.StartsWith("3 of the selected chunks", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GivenRequestsThatCannotBe_WhenConsumed_ThenEachIsRefusedWithItsCode()
    {
        var (machine, other) = (await TestMachine.RegisterAsync(host), await TestMachine.RegisterAsync(host));
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        var foreign = await RequestAsync(other, point, [chunk]);
        var noBlob = (await RequestAsync(machine, point, [chunk])) with { SelectionBlob = "restore-jobs/none/selection" };
        var empty = await RequestAsync(machine, point, []);
        var expired = await RequestAsync(machine, point, [chunk]);

        await RefusedAsync(foreign, ProblemCodes.NotFound);
        await RefusedAsync(noBlob, ProblemCodes.Integrity);
        await RefusedAsync(empty, ProblemCodes.Integrity);
        await host.PublishAsync(new RecoveryPointExpired(
            Guid.CreateVersion7(), 9, point.CreatedAt, machine.VaultId, machine.Id, "files", point.Id));
        await IngestHost.EventuallyAsync(async () =>
            (await machine.GetAsync<RecoveryPointDocument>($"/api/recovery-points/{point.Id:D}")).State == RecoveryPointState.Expired ? "so" : null);
        await RefusedAsync(expired, ProblemCodes.Conflict);

        async Task RefusedAsync(RestoreRequested request, string code)
        {
            await host.PublishAsync(request);
            Assert.Equal(code, (await host.HeardAsync<RestorePlanRefused>(e => e.RestoreJobId == request.StreamId)).Code);
        }
    }

    [Fact]
    public async Task GivenAJobThatEndedFirst_WhenItsRequestComesLate_ThenItIsNotPlanned()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        var request = await RequestAsync(machine, point, [chunk]);
        await EndAsync(new RestoreFailed(request.StreamId, 3, request.At, RestoreJobState.Cancelled, null, "cancelled"), request);
        var after = await RequestAsync(machine, point, [chunk]);

        await host.PublishAsync(request);
        await host.PublishAsync(after);

        await host.HeardAsync<RestorePlanned>(e => e.RestoreJobId == after.StreamId);
        Assert.Equal(0, host.HeardCount<RestorePlanned>(e => e.RestoreJobId == request.StreamId));
        Assert.Equal(0L, await LeasedAsync(request));
    }

    [Fact]
    public async Task GivenAStoreThatIsAwayForAWhile_WhenPlanning_ThenThePlanComesLater()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        var request = await RequestAsync(machine, point, [chunk]);
        // The plan's commit is done and not heard of: the next attempt finds a plan without a lease.
        host.Blobs.Add(new Fault(StoreCalls.Commit, FaultKind.FailAfter) { NameContains = $"{request.StreamId:D}/plan" });

        await host.PublishAsync(request);

        var planned = await host.HeardAsync<RestorePlanned>(e => e.RestoreJobId == request.StreamId);
        Assert.Equal(chunk.Sealed, (await StreamAsync(planned)).Single().Sealed);
    }

    private async Task<RestoreRequested> RequestAsync(TestMachine machine, RecoveryPointDocument point, TestChunk[] wanted)
    {
        var id = Guid.CreateVersion7();
        var selection = $"restore-jobs/{id:D}/selection";
        await host.Blobs.WriteAllAsync(
            selection, TestMachine.Ids(wanted.Select(c => c.Id)), TestContext.Current.CancellationToken);
        return new RestoreRequested(
            id, 2, host.Clock.GetUtcNow(), machine.SubscriptionId, machine.VaultId, machine.Id, point.Id, selection);
    }

    private async Task EndAsync(object ended, RestoreRequested request)
    {
        await host.PublishAsync(ended);
        await IngestHost.EventuallyAsync(async () =>
            await host.ScalarAsync<long>(
                "select count(*) from mt_events where type = 'restore_lease_ended' and stream_id = $1", request.StreamId) == 1 ? "ended" : null);
        await IngestHost.EventuallyAsync(async () => await LeasedAsync(request) == 0 ? "free" : null);
    }

    private Task<long> LeasedAsync(RestoreRequested request) =>
        host.ScalarAsync<long>("select count(*) from bulk.lease_packs where lease_id = $1", request.StreamId);

    /// <summary>Reads what the restore service would stream.</summary>
    private async Task<List<(ChunkId Id, byte[] Sealed)>> StreamAsync(RestorePlanned planned)
    {
        var token = TestContext.Current.CancellationToken;
        await using var plan = await host.Blobs.OpenReadAsync(planned.PlanBlob, token);
        var head = await RestorePlan.ReadHeadAsync(plan!, token);
        var frames = new List<(ChunkId, byte[])>();
        await foreach (var entry in RestorePlan.ReadEntriesAsync(plan!, head, 0, token))
        {
            var bytes = await host.Blobs.ReadRangeAsync(head.PackBlob(entry.Pack), entry.Offset, entry.Length, token);
            var reader = new FrameReader(new MemoryStream(bytes!));
            Assert.True(await reader.ReadAsync(token));
            frames.Add((reader.Current.Id, reader.Payload.ToArray()));
            Assert.False(await reader.ReadAsync(token));
        }

        return frames;
    }
}
