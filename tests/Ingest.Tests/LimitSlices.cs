using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;

namespace BackupPlatform.Ingest.Tests;

/// <summary>Limits, when everything comes at once.</summary>
public sealed class LimitSlices(IngestHost host)
{
    [Fact]
    public async Task GivenThirtyNewItemsAtOnce_WhenTheyAreOpened_ThenAsManyAsAllowedAreAndTheOthersRefused()
    {
        var machine = await TestMachine.RegisterAsync(host);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => machine.TryOpenAsync($"item-{i % 15}")));

        Assert.Equal(2 * IngestHost.ItemsPerMachine, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        foreach (var refused in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await TestMachine.RefusedAsync(Task.FromResult(refused), ProblemCodes.ItemLimit);
        }

        Assert.Equal((long)IngestHost.ItemsPerMachine, await host.ScalarAsync<long>(
            "select count(distinct item_id) from bulk.jobs where machine_id = $1", machine.Id));
    }

    [Fact]
    public async Task GivenBackupsThatRaceForTheDay_WhenAllHaveEnded_ThenThreeAreSealedAndTheFourthIsRefusedBeforeAnythingMoves()
    {
        var machine = await TestMachine.RegisterAsync(host, "Etc/GMT+11");
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Etc/GMT+11");
        try
        {
            // Noon in the machine's zone: no midnight comes between.
            host.Clock.Offset = zone.BaseUtcOffset.Negate() + TimeSpan.FromHours(36) - host.Clock.GetUtcNow().TimeOfDay;
            await machine.BackUpAsync(TestMachine.Chunks(1));
            for (var round = 0; round < 4; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TryBackUpAsync(machine)));
            }

            Assert.InRange(await host.ScalarAsync<long>("select count(*) from bulk.recovery_points where machine_id = $1", machine.Id), 1, 3);
            while (await TryBackUpAsync(machine))
            {
            }

            Assert.Equal(3L, await host.ScalarAsync<long>("select count(*) from bulk.recovery_points where machine_id = $1", machine.Id));
            var jobs = await host.ScalarAsync<long>("select count(*) from bulk.jobs where machine_id = $1", machine.Id);
            await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.DailyBackupLimit);
            Assert.Equal(jobs, await host.ScalarAsync<long>("select count(*) from bulk.jobs where machine_id = $1", machine.Id));

            host.Clock.Offset += TimeSpan.FromDays(1);
            Assert.Equal(4, (await machine.BackUpAsync([])).Sequence);
        }
        finally
        {
            host.Clock.Offset = TimeSpan.Zero;
        }
    }

    private static async Task<bool> TryBackUpAsync(TestMachine machine)
    {
        using var opened = await machine.TryOpenAsync();
        if (opened.StatusCode != HttpStatusCode.Created)
        {
            return false;
        }

        var job = await TestMachine.ReadAsync<BackupJobDocument>(opened, HttpStatusCode.Created);
        using var sealing = await machine.TrySealAsync(job.Id, await TestMachine.DeltaAsync(job, []));
        return sealing.StatusCode == HttpStatusCode.Created;
    }
}
