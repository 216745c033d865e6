using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.Storage;
using BackupPlatform.Testing;

namespace BackupPlatform.Ingest.Tests;

public sealed class SealSlices(IngestHost host)
{
    [Fact]
    public async Task GivenMissingChunks_WhenSealing_ThenTheyAreNamedAndSealingAfterwardsWorks()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (sent, unsent) = (TestMachine.Chunks(3), TestMachine.Chunks(2));
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, sent);
        var delta = await TestMachine.DeltaAsync(job, [.. sent.Concat(unsent).Select(c => c.Id)]);

        using var missing = await machine.TrySealAsync(job.Id, delta);

        Assert.Equal(ChunkIdLists.MediaType, missing.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            TestMachine.Ids(unsent.Select(c => c.Id).Order()), await TestMachine.ReadBytesAsync(missing, HttpStatusCode.Conflict));
        Assert.Empty(await PointsAsync(machine));
        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.spans where machine_id = $1", machine.Id));
        await machine.PutAsync(job.Id, 2, unsent);
        using var done = await machine.TrySealAsync(job.Id, delta);
        Assert.Equal(5, (await TestMachine.ReadAsync<RecoveryPointDocument>(done, HttpStatusCode.Created)).ChunkCount);
        Assert.Single(await PointsAsync(machine));
    }

    [Fact]
    public async Task GivenTenThousandMissingChunks_WhenSealing_ThenAllAreNamed()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var ids = TestMachine.Chunks(10_000, 1).Select(c => c.Id).Order().ToArray();
        var job = await machine.OpenAsync();

        using var missing = await machine.TrySealAsync(job.Id, await TestMachine.DeltaAsync(job, ids));

        Assert.Equal(TestMachine.Ids(ids), await TestMachine.ReadBytesAsync(missing, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task GivenTheSameSealAgain_WhenAnswered_ThenItIsTheSamePoint()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks);
        var delta = await TestMachine.DeltaAsync(job, [.. chunks.Select(c => c.Id)]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => machine.TrySealAsync(job.Id, delta)));

        var points = new HashSet<Guid>();
        foreach (var answer in answers)
        {
            points.Add((await TestMachine.ReadAsync<RecoveryPointDocument>(answer, answer.StatusCode)).Id);
        }

        Assert.Single(points);
        using var later = await machine.TrySealAsync(job.Id, delta);
        Assert.Contains((await TestMachine.ReadAsync<RecoveryPointDocument>(later, HttpStatusCode.OK)).Id, points);
        Assert.Single(await PointsAsync(machine));
        await host.HeardAsync<RecoveryPointCreated>(e => e.RecoveryPointId == points.Single());
    }

    [Fact]
    public async Task GivenAnAgentThatCannotReadItsBase_WhenItListsAllChunks_ThenOnlyTheDifferenceIsStored()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (kept, gone, added) = (TestMachine.Chunks(3), TestMachine.Chunks(2), TestMachine.Chunks(2));
        var first = await machine.BackUpAsync([.. kept, .. gone]);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, added);
        var all = kept.Concat(added).Select(c => c.Id).ToArray();
        var delta = await TestMachine.DeltaAsync(job with { BasePoint = null }, all);
        var withDropped = await TestMachine.DeltaAsync(job with { BasePoint = null }, [.. all, gone[0].Id], [gone[0].Id]);

        await TestMachine.RefusedAsync(machine.TrySealAsync(job.Id, withDropped), ProblemCodes.Integrity);
        using var done = await machine.TrySealAsync(job.Id, delta);

        var point = await TestMachine.ReadAsync<RecoveryPointDocument>(done, HttpStatusCode.Created);
        Assert.Equal((2, 5), (point.Sequence, point.ChunkCount));
        Assert.Equal(7L, await host.ScalarAsync<long>("select count(*) from bulk.spans where machine_id = $1", machine.Id));
        Assert.Equal(added[0].Sealed, (await machine.ReadChunksAsync(point.Id, added[0].Id)).Single().Sealed);
        Assert.Equal(gone[0].Sealed, (await machine.ReadChunksAsync(first.Id, gone[0].Id)).Single().Sealed);
        Assert.True((await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", gone[0].Id))[0]);
        var next = await machine.BackUpAsync([], dropped: [added[1].Id]);
        Assert.Equal(4, next.ChunkCount);
    }

    [Fact]
    public async Task GivenSealsThatDoNotAddUp_WhenSent_ThenRefusedAndTheJobStaysOpen()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (old, fresh) = (TestMachine.Chunks(3), TestMachine.Chunks(2));
        await machine.BackUpAsync(old);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, fresh);
        var (added, known, strange) = (fresh.Select(c => c.Id).ToArray(), old[0].Id, TestMachine.Chunk().Id);
        var good = await TestMachine.DeltaAsync(job, added);
        var damaged = (byte[])good.Clone();
        damaged[^12] ^= 1;

        await RefusedAsync(ProblemCodes.Integrity, await TestMachine.DeltaAsync(job, added, alter: h => h with { ChunkCount = h.ChunkCount + 1 }));
        await RefusedAsync(ProblemCodes.Integrity, await TestMachine.DeltaAsync(job, added, alter: h => h with { SetHash = default }));
        await RefusedAsync(ProblemCodes.Integrity, await TestMachine.DeltaAsync(job, [.. added, known]));
        await RefusedAsync(ProblemCodes.Integrity, await TestMachine.DeltaAsync(job, added, [strange]));
        await RefusedAsync(ProblemCodes.Integrity, await TestMachine.DeltaAsync(job, added, alter: h => h with { BaseSequence = 0 }));
        await RefusedAsync(ProblemCodes.Conflict, await TestMachine.DeltaAsync(job, added, alter: h => h with { Sequence = 3 }));
        await RefusedAsync(ProblemCodes.Integrity, damaged);
        await RefusedAsync(ProblemCodes.Integrity, good[..^1]);
        await RefusedAsync(ProblemCodes.Integrity, []);

        Assert.Single(await PointsAsync(machine));
        using var done = await machine.TrySealAsync(job.Id, good);
        Assert.Equal(5, (await TestMachine.ReadAsync<RecoveryPointDocument>(done, HttpStatusCode.Created)).ChunkCount);

        async Task RefusedAsync(string code, byte[] delta) => await TestMachine.RefusedAsync(machine.TrySealAsync(job.Id, delta), code);
    }

    [Theory]
    [InlineData(StoreCalls.Create, FaultKind.FailBefore)]
    [InlineData(StoreCalls.Commit, FaultKind.FailBefore)]
    [InlineData(StoreCalls.Commit, FaultKind.FailAfter)]
    [InlineData(StoreCalls.OpenRead, FaultKind.FailBefore)]
    public async Task GivenAStoreThatFails_WhenSealing_ThenNoPointCanBeSeenAndTheRetrySeals(StoreCalls call, FaultKind kind)
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks);
        host.Blobs.Add(new Fault(call, kind) { NameContains = $"{machine.Id:D}/points/" });
        var delta = await TestMachine.DeltaAsync(job, [.. chunks.Select(c => c.Id)]);

        await TestMachine.RefusedAsync(machine.TrySealAsync(job.Id, delta), ProblemCodes.Unavailable);

        var listed = await machine.GetAsync<Page<RecoveryPointDocument>>($"/api/machines/{machine.Id:D}/recovery-points");
        Assert.Empty(listed.Items);
        using var done = await machine.TrySealAsync(job.Id, delta);
        var point = await TestMachine.ReadAsync<RecoveryPointDocument>(done, HttpStatusCode.Created);
        Assert.Contains(await PointsAsync(machine), blob => blob.Name.EndsWith($"/0000000001-{point.Id:D}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task GivenATransactionThatFails_WhenSealing_ThenNothingOfItIsLeftButAnOrphanBlob()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks);
        var delta = await TestMachine.DeltaAsync(job, [.. chunks.Select(c => c.Id)]);
        await ExecuteAsync($"alter table bulk.recovery_points add constraint crash check (machine_id <> '{machine.Id:D}')");
        try
        {
            await TestMachine.RefusedAsync(machine.TrySealAsync(job.Id, delta), ProblemCodes.Unavailable);
        }
        finally
        {
            await ExecuteAsync("alter table bulk.recovery_points drop constraint crash");
        }

        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.spans where machine_id = $1", machine.Id));
        Assert.Equal(BackupJobState.Open, (await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{job.Id:D}")).State);
        Assert.Single(await PointsAsync(machine));
        using var done = await machine.TrySealAsync(job.Id, delta);
        Assert.Equal(1, (await TestMachine.ReadAsync<RecoveryPointDocument>(done, HttpStatusCode.Created)).Sequence);
        Assert.Equal(2, (await PointsAsync(machine)).Count);
    }

    [Fact]
    public async Task GivenASealedPoint_WhenItsBlobIsRead_ThenItHoldsHeaderAndSealDelta()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var first = await machine.BackUpAsync(chunks);
        var job = await machine.OpenAsync();
        var delta = await TestMachine.DeltaAsync(job, [], [chunks[0].Id]);
        using var answer = await machine.TrySealAsync(job.Id, delta);
        var point = await TestMachine.ReadAsync<RecoveryPointDocument>(answer, HttpStatusCode.Created);

        var bytes = await host.Blobs.ReadAllAsync(
            $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/points/files/0000000002-{point.Id:D}", 1_000_000, TestContext.Current.CancellationToken) ?? [];

        Assert.Equal("BPPOINT\x01"u8, bytes.AsSpan(0, 8));
        Assert.Equal(point.Id, new Guid(bytes.AsSpan(8, 16), bigEndian: true));
        Assert.Equal(first.Id, new Guid(bytes.AsSpan(24, 16), bigEndian: true));
        Assert.Equal(machine.SubscriptionId, new Guid(bytes.AsSpan(40, 16), bigEndian: true));
        Assert.Equal((2, 1), (BitConverter.ToInt64(bytes, 56), BitConverter.ToInt64(bytes, 64)));
        Assert.Equal(point.CreatedAt, DateTimeOffset.UnixEpoch.AddMicroseconds(BitConverter.ToInt64(bytes, 72)));
        Assert.Equal("files", System.Text.Encoding.UTF8.GetString(bytes.AsSpan(80, 64)).TrimEnd('\0'));
        Assert.Equal(delta, bytes[144..]);
    }

    private async Task<List<BlobItem>> PointsAsync(TestMachine machine)
    {
        var points = new List<BlobItem>();
        await foreach (var point in host.Blobs.ListAsync(
            $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/points/", TestContext.Current.CancellationToken))
        {
            points.Add(point);
        }

        return points;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = host.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
