using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Formats;

namespace BackupPlatform.Ingest.Tests;

/// <summary>What operators delete and take back, as ingest hears of it.</summary>
public sealed class DeletionSlices(IngestHost host)
{
    private readonly Guid stream = Guid.CreateVersion7();

    [Fact]
    public async Task GivenADeletedNewestPoint_WhenReadAndBuiltUpon_ThenReadsAreRefusedAndItIsStillTheBase()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var point = await machine.BackUpAsync([chunk]);
        await host.PublishAsync(Deleted(machine, point, 3));
        await StateAsync(machine, point, RecoveryPointState.Deleted);

        Assert.Contains("undelete", await RefusedReadAsync(machine, point, chunk.Id), StringComparison.Ordinal);
        var job = await machine.OpenAsync();
        Assert.Equal((2, point.Id), (job.NextSequence, job.BasePoint!.RecoveryPointId));
        var next = await machine.SealAsync(job, []);
        Assert.Equal(chunk.Sealed, (await machine.ReadChunksAsync(next.Id, chunk.Id)).Single().Sealed);

        await host.PublishAsync(Restored(machine, point, 5));
        await StateAsync(machine, point, RecoveryPointState.Sealed);
        Assert.Equal(chunk.Sealed, (await machine.ReadChunksAsync(point.Id, chunk.Id)).Single().Sealed);
    }

    [Fact]
    public async Task GivenNewsTwiceAndOutOfOrder_WhenApplied_ThenTheHighestVersionCountsAndPurgeIsFinal()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (point, marker) = (await machine.BackUpAsync(TestMachine.Chunks(1)), await machine.BackUpAsync([]));
        await host.PublishAsync(new RecoveryPointTagged(
            stream, 9, point.CreatedAt, machine.VaultId, machine.Id, "files", point.Id, ["daily"], point.CreatedAt.AddDays(30)));
        await host.PublishAsync(Restored(machine, point, 6));
        await host.PublishAsync(Restored(machine, point, 6));
        await IngestHost.EventuallyAsync(async () => await DeletionVersionAsync(point) == 6 ? "so" : null);
        await host.PublishAsync(Deleted(machine, point, 4));
        await host.PublishAsync(Deleted(machine, marker, 4));
        await StateAsync(machine, marker, RecoveryPointState.Deleted);
        await StateAsync(machine, point, RecoveryPointState.Sealed);

        await host.PublishAsync(Deleted(machine, point, 7));
        await StateAsync(machine, point, RecoveryPointState.Deleted);
        await host.PublishAsync(Purged(machine, point, 8));
        await host.PublishAsync(Purged(machine, point, 8));
        await StateAsync(machine, point, RecoveryPointState.Purged);
        await host.PublishAsync(Restored(machine, point, 10));
        await host.PublishAsync(Restored(machine, marker, 10));
        await StateAsync(machine, marker, RecoveryPointState.Sealed);
        await StateAsync(machine, point, RecoveryPointState.Purged);
        Assert.Equal(["daily"], (await machine.GetAsync<RecoveryPointDocument>($"/api/recovery-points/{point.Id:D}")).Tags);
    }

    [Fact]
    public async Task GivenAsManyPointsAsAllowed_WhenOneIsDeleted_ThenOneMoreMayBeginAndUndeletedItCountsAgain()
    {
        var machine = await TestMachine.RegisterAsync(host);
        try
        {
            var points = new List<RecoveryPointDocument>();
            for (var i = 0; i < IngestHost.RecoveryPointsPerItem; i++)
            {
                points.Add(await machine.BackUpAsync(i == 0 ? TestMachine.Chunks(1) : []));
                host.Clock.Offset += TimeSpan.FromDays(1);
            }

            await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.RecoveryPointLimit);
            await host.PublishAsync(Deleted(machine, points[1], 3));
            await StateAsync(machine, points[1], RecoveryPointState.Deleted);
            await machine.OpenAsync();
            await host.PublishAsync(Restored(machine, points[1], 4));
            await StateAsync(machine, points[1], RecoveryPointState.Sealed);
            await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.RecoveryPointLimit);

            // Due by what was heard before: the news of its expiry need not have come.
            await host.PublishAsync(new RecoveryPointTagged(
                stream, 5, host.Clock.GetUtcNow(), machine.VaultId, machine.Id, "files", points[0].Id, [], host.Clock.GetUtcNow().AddSeconds(-1)));
            await IngestHost.EventuallyAsync(async () =>
            {
                using var answer = await machine.TryOpenAsync();
                return answer.IsSuccessStatusCode ? "open" : null;
            });
        }
        finally
        {
            host.Clock.Offset = TimeSpan.Zero;
        }
    }

    private RecoveryPointDeleted Deleted(TestMachine machine, RecoveryPointDocument point, long version) => new(
        stream, version, host.Clock.GetUtcNow(), machine.VaultId, machine.Id, "files", point.Id, host.Clock.GetUtcNow().AddDays(14));

    private RecoveryPointRestored Restored(TestMachine machine, RecoveryPointDocument point, long version) =>
        new(stream, version, host.Clock.GetUtcNow(), machine.VaultId, machine.Id, "files", point.Id);

    private RecoveryPointPurged Purged(TestMachine machine, RecoveryPointDocument point, long version) =>
        new(stream, version, host.Clock.GetUtcNow(), machine.VaultId, machine.Id, "files", point.Id);

    private async Task<long> DeletionVersionAsync(RecoveryPointDocument point) => await host.ScalarAsync<long>(
        "select coalesce(max(deletion_version), 0) from bulk.point_retention where point_id = $1", point.Id);

    private static Task<string> StateAsync(TestMachine machine, RecoveryPointDocument point, RecoveryPointState state) =>
        IngestHost.EventuallyAsync(async () =>
            (await machine.GetAsync<RecoveryPointDocument>($"/api/recovery-points/{point.Id:D}")).State == state ? "so" : null);

    private static Task<string> RefusedReadAsync(TestMachine machine, RecoveryPointDocument point, ChunkId id) => TestMachine.RefusedAsync(
        machine.SendAsync(HttpMethod.Post, $"/api/recovery-points/{point.Id:D}/chunks", TestMachine.Ids(id), ChunkIdLists.MediaType),
        ProblemCodes.Conflict);
}
