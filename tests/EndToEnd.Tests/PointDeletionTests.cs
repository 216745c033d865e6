using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>What operators do with recovery points and restores, at the portal's address.</summary>
public sealed class PointDeletionTests(SharedPlatform platform, ITestOutputHelper output)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenADeletedPoint_WhenRestored_ThenConflictUntilItIsUndeletedAndBackupsGoOnMeanwhile()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        using var operators = Operator.Client(platform, platform.Endpoints.OperatorToken);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var id = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;

        for (var times = 0; times < 2; times++)
        {
            using var deleted = await operators.DeleteAsync(new Uri($"api/recovery-points/{id}", UriKind.Relative), Stop);
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        await StateAsync(machine, id, RecoveryPointState.Deleted);
        var refused = (await machine.Agent.RunAsync("restore", id, "--target", machine.NewFolder("refused"))).Expect(1);
        Assert.Equal("conflict", refused.Failure.GetProperty("code").GetString());
        // Without its cache the agent cannot read the catalog of the point that the next one builds on.
        Directory.Delete(Path.Combine(machine.Agent.Home, "cache"), recursive: true);
        var next = await machine.BackUpAsync();
        Assert.InRange(next.GetProperty("bytesUploaded").GetInt64(), 0, 200_000);
        await machine.RestoreAndCompareAsync();

        using var undeleted = await operators.PostAsync(new Uri($"api/recovery-points/{id}/undelete", UriKind.Relative), null, Stop);
        Assert.Equal(HttpStatusCode.NoContent, undeleted.StatusCode);
        await StateAsync(machine, id, RecoveryPointState.Sealed);
        await machine.RestoreAndCompareAsync(id);
    }

    [Fact]
    public async Task GivenThatTheOnlyPointWasDeletedAndPurged_WhenBackingUpAgain_ThenItGoesOnAsIfNothingWereThere()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var id = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetString()!;
        await StateAsync(machine, id, RecoveryPointState.Sealed);
        await machine.Operator.DeleteAsync($"api/recovery-points/{id}");
        await StateAsync(machine, id, RecoveryPointState.Deleted);
        try
        {
            await platform.SetClockAsync("P14DT1M");
            await StateAsync(machine, id, RecoveryPointState.Purged);
            Assert.Empty((await machine.Agent.RunAsync("points")).Expect().OfType("point"));
            (await machine.Agent.RunAsync("ls", "latest")).Expect(1);

            await machine.BackUpAsync();
            await machine.RestoreAndCompareAsync();
            (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect();
        }
        finally
        {
            await platform.SetClockAsync("PT0S");
        }
    }

    [Fact]
    public async Task GivenAnOperatorsRestore_WhenWatchedThroughThePortal_ThenItsStatesComeAsTheyHappen()
    {
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        using var operators = Operator.Client(platform, platform.Endpoints.OperatorToken);
        SmallTree.Write(machine.Source, Seed.New(output.WriteLine));
        var id = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetGuid();

        using var requested = await operators.PostAsJsonAsync("api/restore-jobs", new RequestRestore(id), Stop);
        Assert.Equal(HttpStatusCode.Created, requested.StatusCode);
        var job = (await requested.Content.ReadFromJsonAsync(ContractsJson.Default.RestoreJobDocument, Stop))!;
        await using var stream = await operators.GetStreamAsync(new Uri($"api/restore-jobs/{job.Id}/events", UriKind.Relative), Stop);
        var last = RestoreJobState.Requested;
        await foreach (var state in SseParser.Create(stream).EnumerateAsync(Stop))
        {
            last = JsonSerializer.Deserialize(state.Data, ContractsJson.Default.RestoreJobDocument)!.State;
            if (last == RestoreJobState.Ready)
            {
                // Heard while the stream is open: nothing on the way holds it back until it ends.
                using var cancelled = await operators.DeleteAsync(new Uri($"api/restore-jobs/{job.Id}", UriKind.Relative), Stop);
                Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
            }
        }

        Assert.Equal(RestoreJobState.Cancelled, last);
    }

    private static async Task StateAsync(ProtectedMachine machine, string id, RecoveryPointState state)
    {
        var patience = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var points = await machine.Operator.RecoveryPointsAsync(machine.MachineId);
            if (points.Any(point => point.Id == Guid.Parse(id) && point.State == state))
            {
                return;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(patience) < TimeSpan.FromSeconds(30), string.Join('\n', points));
            await Task.Delay(TimeSpan.FromMilliseconds(100), Stop);
        }
    }
}
