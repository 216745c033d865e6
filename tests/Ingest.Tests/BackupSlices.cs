using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService.Backups;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Ingest.Tests;

public sealed class BackupSlices(IngestHost host)
{
    [Fact]
    public async Task GivenAMachine_WhenItBacksUpTwice_ThenPointsFollowAndShareWhatIsThere()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (kept, gone, added) = (TestMachine.Chunks(3), TestMachine.Chunks(2), TestMachine.Chunks(2));
        var job = await machine.OpenAsync();
        Assert.Equal((1, null, BackupJobState.Open), (job.NextSequence, job.BasePoint, job.State));
        Assert.All(await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", [.. kept.Select(c => c.Id)]), Assert.True);
        var receipt = await machine.PutAsync(job.Id, 1, [.. kept, .. gone]);
        Assert.Equal((1, 5), (receipt.Segment, receipt.Chunks));
        Assert.Equal((bool[])[false, true], await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", kept[0].Id, added[0].Id));
        var first = await machine.SealAsync(job, [.. kept.Concat(gone).Select(c => c.Id)]);

        var next = await machine.OpenAsync();
        Assert.Equal((2, first.Id, 1, 5), (next.NextSequence, next.BasePoint!.RecoveryPointId, next.BasePoint.Sequence, next.BasePoint.ChunkCount));
        await machine.PutAsync(next.Id, 1, added);
        var second = await machine.SealAsync(next, [.. added.Select(c => c.Id)], [.. gone.Select(c => c.Id)]);

        Assert.Equal((1, 5, RecoveryPointState.Sealed), (first.Sequence, first.ChunkCount, first.State));
        Assert.Equal((2, 5), (second.Sequence, second.ChunkCount));
        Assert.True(second.UploadedBytes > 2 * 1000 && second.StoredBytes < first.StoredBytes);
        var listed = await machine.GetAsync<Page<RecoveryPointDocument>>($"/api/machines/{machine.Id:D}/recovery-points");
        Assert.Equal([second.Id, first.Id], listed.Items.Select(point => point.Id));
        var done = await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{next.Id:D}");
        Assert.Equal((BackupJobState.Sealed, second.Id), (done.State, done.RecoveryPointId));
        var message = await host.HeardAsync<RecoveryPointCreated>(e => e.RecoveryPointId == second.Id);
        Assert.Equal(
            (machine.SubscriptionId, machine.VaultId, machine.Id, "files", 2, "Europe/Berlin", second.StoredBytes, second.CreatedAt),
            (message.SubscriptionId, message.VaultId, message.MachineId, message.Item, message.Sequence, message.TimeZone, message.StoredBytes, message.At));
    }

    [Fact]
    public async Task GivenAnUnchangedItem_WhenBackedUp_ThenNoSpanIsWritten()
    {
        var machine = await TestMachine.RegisterAsync(host);
        await machine.BackUpAsync(TestMachine.Chunks(4));

        await machine.BackUpAsync([]);

        Assert.Equal(4L, await host.ScalarAsync<long>("select count(*) from bulk.spans where machine_id = $1", machine.Id));
        Assert.Equal(2L, await host.ScalarAsync<long>("select count(*) from bulk.recovery_points where machine_id = $1", machine.Id));
    }

    [Fact]
    public async Task GivenAnOpenJob_WhenAnotherIsOpened_ThenTheOldOneIsSupersededAndItsChunksServe()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(2);
        var old = await machine.OpenAsync();
        await machine.PutAsync(old.Id, 1, chunks);

        var job = await machine.OpenAsync();

        Assert.All(await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", [.. chunks.Select(c => c.Id)]), Assert.False);
        var delta = await TestMachine.DeltaAsync(job, [.. chunks.Select(c => c.Id)]);
        await TestMachine.RefusedAsync(machine.TrySealAsync(old.Id, delta), ProblemCodes.Conflict);
        await TestMachine.RefusedAsync(machine.TryPutAsync(old.Id, 2, TestMachine.Segment(TestMachine.Chunk())), ProblemCodes.Conflict);
        var failed = await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{old.Id:D}");
        Assert.Equal(BackupJobState.Failed, failed.State);
        Assert.StartsWith("superseded", failed.Reason, StringComparison.Ordinal);
        var point = await machine.SealAsync(job, [.. chunks.Select(c => c.Id)]);
        Assert.True(point.StoredBytes > 2000);
        await host.HeardAsync<BackupFailed>(e => e.StreamId == old.Id);
    }

    [Fact]
    public async Task GivenManyOpeningAtOnce_WhenAllAreAnswered_ThenOneJobIsOpen()
    {
        var machine = await TestMachine.RegisterAsync(host);

        var jobs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => machine.OpenAsync()));

        var listed = await machine.GetAsync<Page<BackupJobDocument>>($"/api/machines/{machine.Id:D}/jobs");
        Assert.Equal(jobs.Length, listed.Items.Count);
        Assert.Single(listed.Items, job => job.State == BackupJobState.Open);
        Assert.Equal(1L, await host.ScalarAsync<long>("select count(*) from bulk.jobs where machine_id = $1 and open", machine.Id));
    }

    [Fact]
    public async Task GivenThreeBackupsOfTheDay_WhenTheZonesMidnightPasses_ThenTheFourthIsTaken()
    {
        var machine = await TestMachine.RegisterAsync(host, "Pacific/Kiritimati");
        try
        {
            var zone = TimeZoneInfo.FindSystemTimeZoneById("Pacific/Kiritimati");
            var tomorrow = TimeZoneInfo.ConvertTime(host.Clock.GetUtcNow(), zone).Date.AddDays(1);
            host.Clock.Offset += TimeZoneInfo.ConvertTimeToUtc(tomorrow, zone) - host.Clock.GetUtcNow().UtcDateTime - TimeSpan.FromMinutes(10);
            await machine.BackUpAsync(TestMachine.Chunks(1));
            await machine.BackUpAsync([]);
            await machine.BackUpAsync([]);
            await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.DailyBackupLimit);
            await machine.BackUpAsync(TestMachine.Chunks(1), item: "database");

            host.Clock.Offset += TimeSpan.FromMinutes(11);

            Assert.Equal(4, (await machine.BackUpAsync([])).Sequence);
            await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.RecoveryPointLimit);
        }
        finally
        {
            host.Clock.Offset = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task GivenAsManyItemsAsAllowed_WhenOpeningAnother_ThenRefused()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var answers = await Task.WhenAll(Enumerable.Range(0, IngestHost.ItemsPerMachine + 2).Select(i => machine.TryOpenAsync($"item-{i}")));

        Assert.Equal(IngestHost.ItemsPerMachine, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        foreach (var refused in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await TestMachine.RefusedAsync(Task.FromResult(refused), ProblemCodes.ItemLimit);
        }

        await TestMachine.RefusedAsync(machine.TryOpenAsync("No Item"), ProblemCodes.Invalid);
    }

    [Fact]
    public async Task GivenAMachineNotHeardOf_WhenItOpens_ThenItWaitsForTheNews()
    {
        var machine = TestMachine.Unheard(host);
        await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.Unavailable);

        var opening = machine.OpenAsync();
        await host.PublishAsync(machine.Registered("UTC"));

        Assert.Equal(machine.Id, (await opening).MachineId);
    }

    [Fact]
    public async Task GivenAnotherTenantsJob_WhenAskedFor_ThenThereIsNone()
    {
        var (machine, other) = (await TestMachine.RegisterAsync(host), await TestMachine.RegisterAsync(host));
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, TestMachine.Chunks(1));
        var path = $"/api/backup-jobs/{job.Id:D}";

        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, path), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, path, token: other.OperatorToken), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Delete, path), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.TryPutAsync(job.Id, 2, TestMachine.Segment(TestMachine.Chunk())), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.TrySealAsync(job.Id, [1]), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(other.SendAsync(HttpMethod.Get, $"/api/machines/{machine.Id:D}/jobs"), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(
            other.SendAsync(HttpMethod.Get, $"/api/vaults/{machine.VaultId:D}/jobs", token: other.OperatorToken), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(machine.SendAsync(HttpMethod.Get, $"/api/vaults/{machine.VaultId:D}/jobs"), ProblemCodes.Forbidden);
        var mine = await machine.GetAsync<Page<BackupJobDocument>>(
            $"/api/vaults/{machine.VaultId:D}/jobs?state=Open", machine.OperatorToken);
        Assert.Equal([job.Id], mine.Items.Select(item => item.Id));
        Assert.True(mine.Items[0].StoredBytes > 1000);
        Assert.Empty((await machine.GetAsync<Page<BackupJobDocument>>(
            $"/api/vaults/{machine.VaultId:D}/jobs?state=Sealed", "platform-operator")).Items);
    }

    [Fact]
    public async Task GivenAnOpenJob_WhenCancelled_ThenItCanNotSealAndCancellingAgainIsFine()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunks = TestMachine.Chunks(1);
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunks);
        for (var i = 0; i < 2; i++)
        {
            using var answer = await machine.SendAsync(HttpMethod.Delete, $"/api/backup-jobs/{job.Id:D}", token: machine.OperatorToken);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        await TestMachine.RefusedAsync(
            machine.TrySealAsync(job.Id, await TestMachine.DeltaAsync(job, [chunks[0].Id])), ProblemCodes.Conflict);
        var point = await machine.BackUpAsync([], item: "database").ContinueWith(task => task.IsFaulted, TaskScheduler.Default);
        Assert.True(point, "A first backup without a chunk is no recovery point.");
        var next = await machine.OpenAsync();
        var done = await machine.SealAsync(next, [chunks[0].Id]);
        await TestMachine.RefusedAsync(machine.SendAsync(HttpMethod.Delete, $"/api/backup-jobs/{next.Id:D}"), ProblemCodes.Conflict);
        Assert.Equal(1, done.Sequence);
    }

    [Fact]
    public async Task GivenAJobThatNobodyAsksAnythingOf_WhenADayHasPassed_ThenItIsAbandoned()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var (idle, alive) = (await machine.OpenAsync(), await machine.OpenAsync("database"));
        try
        {
            host.Clock.Offset = TimeSpan.FromHours(23);
            await machine.MissingAsync($"/api/backup-jobs/{alive.Id:D}", TestMachine.Chunk().Id);
            await host.Services.GetRequiredService<IdleBackups>().SweepAsync(TestContext.Current.CancellationToken);
            Assert.Equal(BackupJobState.Open, (await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{idle.Id:D}")).State);

            host.Clock.Offset = TimeSpan.FromHours(24.1);

            // The service's own sweep.
            var failed = await IngestHost.EventuallyAsync(async () =>
                await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{idle.Id:D}") is { State: BackupJobState.Failed } job ? job : null);
            Assert.Equal("abandoned", failed.Reason);
            Assert.Equal(BackupJobState.Open, (await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{alive.Id:D}")).State);
        }
        finally
        {
            host.Clock.Offset = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task GivenManyJobs_WhenListedInPages_ThenNewestComeFirstAndNoneIsMissed()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var jobs = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            jobs.Add((await machine.OpenAsync()).Id);
        }

        var seen = new List<Guid>();
        for (string? after = ""; after is not null;)
        {
            var page = await machine.GetAsync<Page<BackupJobDocument>>(
                $"/api/machines/{machine.Id:D}/jobs?limit=2{(after.Length > 0 ? $"&after={after}" : "")}");
            seen.AddRange(page.Items.Select(job => job.Id));
            after = page.Next;
        }

        jobs.Reverse();
        Assert.Equal(jobs, seen);
    }
}
