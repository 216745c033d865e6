using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;
using BackupPlatform.Storage;

namespace BackupPlatform.Ingest.Tests;

/// <summary>Packs that go or are cut off in the store, and how the next backup brings back what they held.</summary>
public sealed class LostPackSlices(IngestHost host)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenALostPack_WhenAReaderFindsIt_ThenTheNextSealAsksForItsChunksAndOldPointsHaveThemBack()
    {
        var (machine, lost, kept, first) = await BackedUpAsync();
        await host.Blobs.DeleteAsync(await PackAsync(machine, segment: 1), Stop);

        Assert.Equal((bool[])[true, true, false], await machine.MissingAsync($"/api/recovery-points/{first.Id:D}", lost[0].Id, lost[1].Id, kept.Id));

        var job = await machine.OpenAsync();
        Assert.Equal((bool[])[true, true, false], await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", lost[0].Id, lost[1].Id, kept.Id));
        var delta = await TestMachine.DeltaAsync(job, []);
        Assert.Equal(TestMachine.Ids(lost.Select(chunk => chunk.Id).Order()), await MissingAtSealAsync(machine, job, delta));
        await machine.PutAsync(job.Id, 1, lost);
        Assert.Equal((bool[])[false, false], await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", lost[0].Id, lost[1].Id));
        var second = await TestMachine.ReadAsync<RecoveryPointDocument>(await machine.TrySealAsync(job.Id, delta), HttpStatusCode.Created);

        foreach (var point in new[] { first, second })
        {
            Assert.Equal(
                [lost[1].Sealed, kept.Sealed, lost[0].Sealed],
                (await machine.ReadChunksAsync(point.Id, lost[1].Id, kept.Id, lost[0].Id)).Select(frame => frame.Sealed));
        }

        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.lost_chunks where machine_id = $1", machine.Id));
    }

    [Fact]
    public async Task GivenAPackCutOff_WhenAReaderFindsIt_ThenOnlyWhatLiesBehindTheCutIsLost()
    {
        var (machine, lost, _, point) = await BackedUpAsync();
        await CutAsync(await PackAsync(machine, segment: 1), 1);

        await TestMachine.RefusedAsync(ReadAsync(machine, point, lost[1].Id), ProblemCodes.Integrity);

        Assert.Equal(lost[0].Sealed, (await machine.ReadChunksAsync(point.Id, lost[0].Id)).Single().Sealed);
        var job = await machine.OpenAsync();
        Assert.Equal(lost[1].Id.ToByteArray(), await MissingAtSealAsync(machine, job, await TestMachine.DeltaAsync(job, [])));
    }

    [Fact]
    public async Task GivenALostPackOfWhatThePointDrops_WhenSealed_ThenNobodyIsAskedForIt()
    {
        var (machine, lost, kept, point) = await BackedUpAsync();
        await host.Blobs.DeleteAsync(await PackAsync(machine, segment: 1), Stop);
        await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", lost[0].Id);

        var next = await machine.BackUpAsync([], dropped: [.. lost.Select(chunk => chunk.Id)]);

        Assert.Equal(kept.Sealed, (await machine.ReadChunksAsync(next.Id, kept.Id)).Single().Sealed);
    }

    [Fact]
    public async Task GivenSeveralLostPacks_WhenAReaderMeetsOne_ThenAllAreFound()
    {
        var (machine, lost, kept, point) = await BackedUpAsync();
        foreach (var segment in new[] { 1, 2 })
        {
            await host.Blobs.DeleteAsync(await PackAsync(machine, segment), Stop);
        }

        await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", kept.Id);

        var job = await machine.OpenAsync();
        Assert.Equal(
            TestMachine.Ids([.. lost.Append(kept).Select(chunk => chunk.Id).Order()]),
            await MissingAtSealAsync(machine, job, await TestMachine.DeltaAsync(job, [])));
    }

    [Fact]
    public async Task GivenALostPack_WhenItsBlobComesBack_ThenItsChunksAreThereAgain()
    {
        var (machine, lost, _, point) = await BackedUpAsync();
        var name = await PackAsync(machine, segment: 1);
        var bytes = await host.Blobs.ReadAllAsync(name, 1_000_000, Stop);
        await host.Blobs.DeleteAsync(name, Stop);
        await TestMachine.RefusedAsync(ReadAsync(machine, point, lost[0].Id), ProblemCodes.Integrity);

        await host.Blobs.WriteAllAsync(name, bytes!, Stop);

        Assert.Equal(lost[0].Sealed, (await machine.ReadChunksAsync(point.Id, lost[0].Id)).Single().Sealed);
        Assert.Equal((bool[])[false], await machine.MissingAsync($"/api/recovery-points/{point.Id:D}", lost[1].Id));
        await machine.BackUpAsync([]);
    }

    [Fact]
    public async Task GivenALostPack_WhenARestoreIsPlanned_ThenRefusedAndTheNextSealAsks()
    {
        var (machine, lost, kept, point) = await BackedUpAsync();
        await host.Blobs.DeleteAsync(await PackAsync(machine, segment: 1), Stop);
        var whole = new RestoreRequested(
            Guid.CreateVersion7(), 2, host.Clock.GetUtcNow(), machine.SubscriptionId, machine.VaultId, machine.Id, point.Id, SelectionBlob: null);

        await host.PublishAsync(whole);

        var refused = await host.HeardAsync<RestorePlanRefused>(e => e.RestoreJobId == whole.StreamId);
        Assert.Equal(ProblemCodes.Integrity, refused.Code);
        Assert.StartsWith("2 of the selected chunks", refused.Reason, StringComparison.Ordinal);
        var job = await machine.OpenAsync();
        Assert.Equal((bool[])[true, false], await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", lost[0].Id, kept.Id));
        await machine.PutAsync(job.Id, 1, lost);
        await machine.SealAsync(job, []);
        var again = whole with { StreamId = Guid.CreateVersion7() };
        await host.PublishAsync(again);
        Assert.Equal(3, (await host.HeardAsync<RestorePlanned>(e => e.RestoreJobId == again.StreamId)).Chunks);
    }

    /// <summary>Two chunks in the first pack, one in the second.</summary>
    private async Task<(TestMachine Machine, TestChunk[] Lost, TestChunk Kept, RecoveryPointDocument Point)> BackedUpAsync()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (lost, kept) = (TestMachine.Chunks(2), TestMachine.Chunk());
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, lost);
        await machine.PutAsync(job.Id, 2, kept);
        return (machine, lost, kept, await machine.SealAsync(job, [.. lost.Append(kept).Select(chunk => chunk.Id)]));
    }

    private async Task<string> PackAsync(TestMachine machine, int segment) =>
        $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/{await host.ScalarAsync<Guid>(
            "select id from bulk.packs where machine_id = $1 and segment = $2", machine.Id, segment):D}";

    private async Task CutAsync(string name, int bytes)
    {
        var whole = await host.Blobs.ReadAllAsync(name, 1_000_000, Stop);
        await host.Blobs.DeleteAsync(name, Stop);
        await host.Blobs.WriteAllAsync(name, whole.AsMemory(0, whole!.Length - bytes), Stop);
    }

    private static async Task<byte[]> MissingAtSealAsync(TestMachine machine, BackupJobDocument job, byte[] delta)
    {
        using var answer = await machine.TrySealAsync(job.Id, delta);
        Assert.Equal(ChunkIdLists.MediaType, answer.Content.Headers.ContentType?.MediaType);
        return await TestMachine.ReadBytesAsync(answer, HttpStatusCode.Conflict);
    }

    private static Task<HttpResponseMessage> ReadAsync(TestMachine machine, RecoveryPointDocument point, params ChunkId[] ids) =>
        machine.SendAsync(HttpMethod.Post, $"/api/recovery-points/{point.Id:D}/chunks", TestMachine.Ids(ids), ChunkIdLists.MediaType);
}
