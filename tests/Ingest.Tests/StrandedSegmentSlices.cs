using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Segments;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Ingest.Tests;

/// <summary>What attempts to store a segment leave behind that never came to their end.</summary>
public sealed class StrandedSegmentSlices(IngestHost host)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenABlobWithoutACommit_WhenItsJobEnds_ThenBlobAndIntentGoAndCommittedPacksStay()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunk);
        var stranded = await StrandAsync(machine, job);

        await SweepAsync();
        Assert.NotNull(await host.Blobs.GetLengthAsync(Pack(machine, stranded), Stop));

        var point = await machine.SealAsync(job, [chunk.Id]);
        await SweepAsync();
        Assert.Null(await host.Blobs.GetLengthAsync(Pack(machine, stranded), Stop));
        Assert.Equal(chunk.Sealed, (await machine.ReadChunksAsync(point.Id, chunk.Id)).Single().Sealed);

        // A blob that came to be after it was looked for.
        await host.Blobs.WriteAllAsync(Pack(machine, stranded), new byte[10], Stop);
        try
        {
            host.Clock.Offset = TimeSpan.FromHours(49);
            await SweepAsync();
        }
        finally
        {
            host.Clock.Offset = TimeSpan.Zero;
        }

        Assert.Null(await host.Blobs.GetLengthAsync(Pack(machine, stranded), Stop));
        Assert.Equal(1L, await host.ScalarAsync<long>("select count(*) from bulk.packs where machine_id = $1", machine.Id));
        Assert.Equal(chunk.Sealed, (await machine.ReadChunksAsync(point.Id, chunk.Id)).Single().Sealed);
    }

    [Fact]
    public async Task GivenAnAttemptThatIsGivenUpWhileItWrites_WhenItComesToItsCommit_ThenItIsNotCommittedAndLeavesNothing()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var gate = new TaskCompletionSource();
        host.Blobs.Add(new Fault(StoreCalls.Commit, FaultKind.Delay) { NameContains = $"{machine.Id:D}/packs/", Gate = gate.Task });

        var putting = machine.TryPutAsync(job.Id, 1, TestMachine.Segment(TestMachine.Chunk()));
        await IngestHost.EventuallyAsync(async () =>
            await host.ScalarAsync<long>("select count(*) from bulk.packs where job_id = $1 and state = 0", job.Id) == 1 ? "begun" : null);
        using (await machine.SendAsync(HttpMethod.Delete, $"/api/backup-jobs/{job.Id:D}"))
        {
            await SweepAsync();
        }

        gate.SetResult();
        await TestMachine.RefusedAsync(putting, ProblemCodes.Conflict);
        await foreach (var blob in host.Blobs.ListAsync($"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/", Stop))
        {
            Assert.Fail(blob.Name);
        }

        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.packs where job_id = $1 and state <> 2", job.Id));
    }

    /// <summary>What a process leaves that is killed between the blob's commit and the rows'.</summary>
    private async Task<Guid> StrandAsync(TestMachine machine, BackupJobDocument job)
    {
        var id = Guid.CreateVersion7();
        await using var command = host.Database.CreateCommand(
            """
            insert into bulk.packs (id, machine_id, item_id, job_id, segment, state, chunks, bytes, created_at)
            select $1, machine_id, item_id, id, 2, 0, 0, 0, $3 from bulk.jobs where id = $2
            """);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(job.Id);
        command.Parameters.AddWithValue(host.Clock.GetUtcNow());
        await command.ExecuteNonQueryAsync(Stop);
        await host.Blobs.WriteAllAsync(Pack(machine, id), new byte[100], Stop);
        return id;
    }

    private Task SweepAsync() => host.Services.GetRequiredService<StrandedSegments>().SweepAsync(Stop);

    private static string Pack(TestMachine machine, Guid id) => $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/{id:D}";
}
