using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Formats;
using BackupPlatform.Testing;

namespace BackupPlatform.Ingest.Tests;

public sealed class ReadSlices(IngestHost host)
{
    [Fact]
    public async Task GivenThreePoints_WhenReading_ThenEachKnowsItsOwnChunksAndNoOthers()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (a, b, c) = (TestMachine.Chunk(), TestMachine.Chunk(), TestMachine.Chunk());
        var first = await machine.BackUpAsync([a, b]);
        var second = await machine.BackUpAsync([c], dropped: [b.Id]);
        // A chunk that was dropped comes back without being sent.
        var job = await machine.OpenAsync();
        var third = await machine.SealAsync(job, [b.Id], [a.Id]);

        await HasAsync(first, [a, b], [c]);
        await HasAsync(second, [a, c], [b]);
        await HasAsync(third, [b, c], [a]);

        async Task HasAsync(RecoveryPointDocument point, TestChunk[] inside, TestChunk[] outside)
        {
            var ids = inside.Concat(outside).Select(chunk => chunk.Id).ToArray();
            Assert.Equal(
                (bool[])[.. inside.Select(_ => false), .. outside.Select(_ => true)], await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", ids));
            Assert.Equal(inside.Select(chunk => chunk.Sealed), (await machine.ReadChunksAsync(point.Id, [.. inside.Select(i => i.Id)])).Select(f => f.Sealed));
            var refusal = await TestMachine.RefusedAsync(ReadAsync(machine, point, ids), ProblemCodes.Integrity);
            Assert.Contains(outside[0].Id.ToString(), refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task GivenChunksInSeveralPacks_WhenReadInAnyOrder_ThenFramesComeInTheOrderAsked()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(300, 3000);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks[..100]);
        await machine.PutAsync(job.Id, 2, chunks[100..200]);
        await machine.PutAsync(job.Id, 3, chunks[200..]);
        var point = await machine.SealAsync(job, [.. chunks.Select(c => c.Id)]);
        var asked = chunks.Concat(chunks.OrderBy(_ => Random.Shared.Next())).Concat(chunks.Reverse()).ToArray();

        var frames = await machine.ReadChunksAsync(point.Id, [.. asked.Select(c => c.Id)]);

        Assert.Equal(asked.Select(c => c.Id), frames.Select(frame => frame.Id));
        Assert.Equal(asked.Select(c => c.Sealed), frames.Select(frame => frame.Sealed));
        await TestMachine.RefusedAsync(ReadAsync(machine, point, [.. TestMachine.Chunks(1025, 1).Select(c => c.Id)]), ProblemCodes.Invalid);
        Assert.Empty(await machine.ReadChunksAsync(point.Id));
    }

    [Fact]
    public async Task GivenAPackThatIsGone_WhenAskedFor_ThenItsChunksAreMissing()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (lost, kept) = (TestMachine.Chunks(2), TestMachine.Chunks(1));
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, lost);
        var pack = await host.ScalarAsync<Guid>("select id from bulk.packs where job_id = $1", job.Id);
        await machine.PutAsync(job.Id, 2, kept);
        var point = await machine.SealAsync(job, [.. lost.Concat(kept).Select(c => c.Id)]);

        await host.Blobs.DeleteAsync(
            $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/{pack:D}", TestContext.Current.CancellationToken);

        Assert.Equal(
            (bool[])[true, true, false], await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", lost[0].Id, lost[1].Id, kept[0].Id));
        await TestMachine.RefusedAsync(ReadAsync(machine, point, lost[1].Id), ProblemCodes.Integrity);
        Assert.Single(await machine.ReadChunksAsync(point.Id, kept[0].Id));
    }

    [Fact]
    public async Task GivenAStreamThatEndsEarly_WhenReading_ThenTheTransferIsBroken()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk(100_000);
        var point = await machine.BackUpAsync([chunk]);
        host.Blobs.Add(new Fault(StoreCalls.Read, FaultKind.Truncate) { NameContains = machine.Id.ToString("D") });

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => machine.ReadChunksAsync(point.Id, chunk.Id));

        Assert.Equal(chunk.Sealed, (await machine.ReadChunksAsync(point.Id, chunk.Id)).Single().Sealed);
    }

    [Fact]
    public async Task GivenAPoint_WhenReadByOthers_ThenOnlyItsMachineGetsDataAndItsOperatorsSeeIt()
    {
        var (machine, other) = (await TestMachine.RegisterAsync(host), await TestMachine.RegisterAsync(host));
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        var path = $"/api/recovery-points/{point.Id:D}";

        Assert.Equal(point.Id, (await machine.GetAsync<RecoveryPointDocument>(path)).Id);
        Assert.Equal(point.Id, (await machine.GetAsync<RecoveryPointDocument>(path, machine.OperatorToken)).Id);
        Assert.Equal(point.Id, (await machine.GetAsync<RecoveryPointDocument>(path, "platform-operator")).Id);
        using var manifest = await machine.SendAsync(HttpMethod.Get, path + "/manifest");
        Assert.Equal(500, (await TestMachine.ReadBytesAsync(manifest, HttpStatusCode.OK)).Length);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, path), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, path + "/manifest"), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, path, token: other.OperatorToken), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(ReadAsync(other, point, chunk.Id), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(
            machine.SendAsync(HttpMethod.Get, path + "/manifest", token: machine.OperatorToken), ProblemCodes.Forbidden);
        await TestMachine.RefusedAsync(
            other.SendAsync(HttpMethod.Get, $"/api/machines/{machine.Id:D}/recovery-points"), ProblemCodes.NotFound);
    }

    [Fact]
    public async Task GivenPointsOfTwoItems_WhenListed_ThenPagesAreNewestFirstAndItemsCanBeChosen()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var points = new List<Guid>
        {
            (await machine.BackUpAsync([chunks[0]])).Id,
            (await machine.BackUpAsync([chunks[1]], item: "database")).Id,
            (await machine.BackUpAsync([])).Id,
        };
        points.Reverse();
        var path = $"/api/machines/{machine.Id:D}/recovery-points";

        var first = await machine.GetAsync<Page<RecoveryPointDocument>>($"{path}?limit=2");
        var second = await machine.GetAsync<Page<RecoveryPointDocument>>($"{path}?limit=2&after={first.Next}");

        Assert.Equal(points, [.. first.Items.Concat(second.Items).Select(point => point.Id)]);
        Assert.Null(second.Next);
        Assert.Equal([points[1]], (await machine.GetAsync<Page<RecoveryPointDocument>>($"{path}?item=database", machine.OperatorToken)).Items.Select(p => p.Id));
        await TestMachine.RefusedAsync(machine.SendAsync(HttpMethod.Get, $"{path}?limit=0"), ProblemCodes.Invalid);
    }

    [Fact]
    public async Task GivenTagsTwiceAndOutOfOrder_WhenApplied_ThenTheHighestVersionCountsAndExpiryIsFinal()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        await machine.BackUpAsync([]);
        var (stream, expires) = (Guid.CreateVersion7(), point.CreatedAt.AddDays(30));
        var newest = Tagged(5, ["daily", "weekly"], expires.AddDays(1));
        await host.PublishAsync(newest);
        await SettledAsync(document => document.Tags.Count == 2);
        await host.PublishAsync(Tagged(4, ["daily"], expires));
        await host.PublishAsync(newest);

        var expired = new RecoveryPointExpired(stream, 7, expires, machine.VaultId, machine.Id, "files", point.Id);
        await host.PublishAsync(expired);
        var document = await SettledAsync(document => document.State == RecoveryPointState.Expired);
        Assert.Equal(["daily", "weekly"], document.Tags);
        Assert.Equal(expires.AddDays(1), document.ExpiresAt);

        await host.PublishAsync(Tagged(8, [], expires.AddDays(100)));
        await host.PublishAsync(expired);
        await TestMachine.RefusedAsync(ReadAsync(machine, point, chunk.Id), ProblemCodes.Conflict);
        await TestMachine.RefusedAsync(
            machine.SendAsync(HttpMethod.Get, $"/api/recovery-points/{point.Id:D}/manifest"), ProblemCodes.Conflict);
        await IngestHost.EventuallyAsync(async () =>
            await host.ScalarAsync<long>(
                "select count(*) from mt_events where type = 'item_point_expired' and data->>'recoveryPointId' = $1", point.Id.ToString("D")) == 1
                ? "once" : null);

        RecoveryPointTagged Tagged(long version, string[] tags, DateTimeOffset until) =>
            new(stream, version, point.CreatedAt, machine.VaultId, machine.Id, "files", point.Id, tags, until);
        Task<RecoveryPointDocument> SettledAsync(Func<RecoveryPointDocument, bool> so) => IngestHost.EventuallyAsync(async () =>
            await machine.GetAsync<RecoveryPointDocument>($"/api/recovery-points/{point.Id:D}") is var now && so(now) ? now : null);
    }

    private static Task<HttpResponseMessage> ReadAsync(TestMachine machine, RecoveryPointDocument point, params ChunkId[] ids) =>
        machine.SendAsync(HttpMethod.Post, $"/api/recovery-points/{point.Id:D}/chunks", TestMachine.Ids(ids), ChunkIdLists.MediaType);
}
