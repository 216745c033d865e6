using BackupPlatform.Formats;
using BackupPlatform.IngestService.Data;
using Npgsql;

namespace BackupPlatform.Ingest.Tests;

public sealed class BulkSlices(IngestHost host)
{
    [Fact]
    public async Task GivenTwentyThousandChunks_WhenTheyChange_ThenSpansAreInProportionToTheChange()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, TestMachine.Chunk());
        var ids = TestMachine.Chunks(20_000, 1).Select(c => c.Id).ToArray();
        await IndexAsync(machine, job.Id, ids);
        await machine.SealAsync(job, ids);
        Assert.Equal(20_000, await SpansAsync(machine));

        // Both lists of the second seal fill several blocks.
        var second = await machine.OpenAsync();
        var fresh = TestMachine.Chunks(9_000, 1).Select(c => c.Id).ToArray();
        await IndexAsync(machine, job.Id, fresh);
        var point = await machine.SealAsync(second, fresh, ids[..9_000]);
        Assert.Equal((20_000, 29_000), (point.ChunkCount, await SpansAsync(machine)));

        var third = await machine.OpenAsync();
        await machine.SealAsync(third, [ids[0]], [fresh[0]]);
        Assert.Equal(29_001, await SpansAsync(machine));
        Assert.Equal(20_000L, await host.ScalarAsync<long>(
            "select count(*) from bulk.spans where machine_id = $1 and first_sequence <= 3 and (last_sequence is null or last_sequence >= 3)",
            machine.Id));
    }

    [Fact]
    public async Task GivenAnEmptyDatabase_WhenManyReplicasStartAtOnce_ThenAllFindTheSchema()
    {
        await using var database = NpgsqlDataSource.Create(await host.CreateDatabaseAsync());

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            new IngestSchema(database).StartAsync(TestContext.Current.CancellationToken)));

        await using var command = database.CreateCommand("select count(*) from information_schema.tables where table_schema = 'bulk'");
        Assert.Equal(8L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private async Task<int> SpansAsync(TestMachine machine) =>
        (int)await host.ScalarAsync<long>("select count(*) from bulk.spans where machine_id = $1", machine.Id);

    /// <summary>Index rows as if these chunks had been sent with the job.</summary>
    private Task<long> IndexAsync(TestMachine machine, Guid jobId, ChunkId[] ids) => host.ScalarAsync<long>(
        """
        with added as (
            insert into bulk.chunk_index select $1, i.chunk, p.id, 16, 45 from unnest($3) as i (chunk)
            join bulk.packs p on p.job_id = $2 and p.state = 1 returning 1)
        select count(*) from added
        """,
        machine.Id, jobId, Array.ConvertAll(ids, id => id.ToByteArray()));
}
