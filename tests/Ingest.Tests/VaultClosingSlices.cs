using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.Ingest.Tests;

/// <summary>Ingest's part in the deletion of a vault.</summary>
public sealed class VaultClosingSlices(IngestHost host)
{
    [Fact]
    public async Task GivenAVaultWithPoints_WhenItIsToClose_ThenTheyAreCountedAndItGoesOn()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var points = new[] { await machine.BackUpAsync(TestMachine.Chunks(1)), await machine.BackUpAsync([]), await machine.BackUpAsync([]) };
        var stream = Guid.CreateVersion7();
        var at = host.Clock.GetUtcNow();
        await host.PublishAsync(new RecoveryPointExpired(stream, 5, at, machine.VaultId, machine.Id, "files", points[0].Id));
        await host.PublishAsync(new RecoveryPointDeleted(stream, 6, at, machine.VaultId, machine.Id, "files", points[1].Id, at.AddDays(14)));
        await StateAsync(machine, points[0], RecoveryPointState.Expired);
        await StateAsync(machine, points[1], RecoveryPointState.Deleted);

        await host.PublishAsync(Closing(machine, 7));
        await host.PublishAsync(Closing(machine, 7));

        var answer = await AnsweredAsync(machine, 7);
        Assert.Equal((2L, machine.VaultId), (answer.RecoveryPoints, answer.StreamId));
        await host.PublishAsync(Closing(machine, 3));
        await machine.OpenAsync("database");
        await host.PublishAsync(new RecoveryPointPurged(stream, 8, at, machine.VaultId, machine.Id, "files", points[1].Id));
        await host.PublishAsync(new RecoveryPointExpired(stream, 9, at, machine.VaultId, machine.Id, "files", points[2].Id));
        await StateAsync(machine, points[1], RecoveryPointState.Purged);
        await StateAsync(machine, points[2], RecoveryPointState.Expired);
        await host.PublishAsync(Closing(machine, 9));
        Assert.Equal(0, (await AnsweredAsync(machine, 9)).RecoveryPoints);
        Assert.Equal(0, host.HeardCount<VaultClosingAnswered>(e => e.VaultId == machine.VaultId && e.VaultVersion == 3));
        Assert.Equal(1, host.HeardCount<VaultClosingAnswered>(e => e.VaultId == machine.VaultId && e.VaultVersion == 7));
    }

    [Fact]
    public async Task GivenAVaultWithoutPoints_WhenItCloses_ThenItsJobsEndAndNoneOpens()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var chunk = TestMachine.Chunk();
        var job = await machine.OpenAsync();
        await machine.PutAsync(job.Id, 1, chunk);

        await host.PublishAsync(Closing(machine, 4));

        Assert.Equal(0, (await AnsweredAsync(machine, 4)).RecoveryPoints);
        var failed = await machine.GetAsync<BackupJobDocument>($"/api/backup-jobs/{job.Id:D}");
        Assert.Equal((BackupJobState.Failed, "the vault was deleted"), (failed.State, failed.Reason));
        await TestMachine.RefusedAsync(machine.TryOpenAsync(), ProblemCodes.NotFound);
        await TestMachine.RefusedAsync(machine.TryPutAsync(job.Id, 2, TestMachine.Segment(TestMachine.Chunk())), ProblemCodes.Conflict);
        await TestMachine.RefusedAsync(machine.TrySealAsync(job.Id, await TestMachine.DeltaAsync(job, [chunk.Id])), ProblemCodes.Conflict);
        await host.HeardAsync<BackupFailed>(e => e.StreamId == job.Id);

        await host.PublishAsync(new VaultDeleted(machine.VaultId, 5, host.Clock.GetUtcNow(), machine.SubscriptionId));
        await host.PublishAsync(new VaultCreated(machine.VaultId, 1, host.Clock.GetUtcNow(), machine.SubscriptionId, "vault", Redundancy.LRS));
        await IngestHost.EventuallyAsync(async () =>
        {
            using var answer = await machine.SendAsync(HttpMethod.Get, $"/api/vaults/{machine.VaultId:D}/jobs", token: machine.OperatorToken);
            return answer.StatusCode == HttpStatusCode.NotFound ? "gone" : null;
        });
    }

    [Fact]
    public async Task GivenSealsAndOpeningsAtTheSameTime_WhenItCloses_ThenEitherAPointIsCountedOrNoneIsEverSealed()
    {
        for (var round = 0; round < 6; round++)
        {
            var machine = await TestMachine.RegisterAsync(host);
            var chunk = TestMachine.Chunk();
            var job = await machine.OpenAsync();
            await machine.PutAsync(job.Id, 1, chunk);
            var delta = await TestMachine.DeltaAsync(job, [chunk.Id]);

            var closing = host.PublishAsync(Closing(machine, 2));
            var sealing = machine.TrySealAsync(job.Id, delta);
            var opening = machine.TryOpenAsync("database");
            await Task.WhenAll(closing, sealing, opening);

            var answer = await AnsweredAsync(machine, 2);
            var sealed1 = (await sealing).StatusCode == HttpStatusCode.Created;
            Assert.Equal(sealed1 && answer.RecoveryPoints == 1, answer.RecoveryPoints > 0);
            if (answer.RecoveryPoints == 0)
            {
                Assert.False(sealed1);
                Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.jobs where vault_id = $1 and open", machine.VaultId));
            }
        }
    }

    private VaultClosing Closing(TestMachine machine, long version) =>
        new(machine.VaultId, version, host.Clock.GetUtcNow(), machine.SubscriptionId);

    private Task<VaultClosingAnswered> AnsweredAsync(TestMachine machine, long version) =>
        host.HeardAsync<VaultClosingAnswered>(e => e.VaultId == machine.VaultId && e.VaultVersion == version);

    private static Task<string> StateAsync(TestMachine machine, RecoveryPointDocument point, RecoveryPointState state) =>
        IngestHost.EventuallyAsync(async () =>
            (await machine.GetAsync<RecoveryPointDocument>($"/api/recovery-points/{point.Id:D}")).State == state ? "so" : null);
}
