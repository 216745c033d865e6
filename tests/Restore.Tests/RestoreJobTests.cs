using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RestoreService.Jobs;

namespace BackupPlatform.Restore.Tests;

public sealed class RestoreJobTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.Parse("2026-05-01T10:00Z", null);
    private static readonly Guid Id = Guid.CreateVersion7(Start);

    private readonly List<object> events = [];
    private RestoreJob? job;

    [Fact]
    public void GivenARestore_WhenAllGoesWell_ThenItPassesItsStatesInOrder()
    {
        Assert.Equal(RestoreJobState.Requested, Requested().State);
        Assert.Equal(RestoreJobState.Planning, Planning().State);
        Assert.Equal(RestoreJobState.Ready, Ready().State);
        Assert.Equal((2L, 100L), (job!.Chunks, job.Bytes));
        Assert.Equal(RestoreJobState.Streaming, Apply(RestoreJob.OpenStream(job, Start)).State);
        Assert.Equal(RestoreJobState.Completed, Apply(RestoreJob.Finish(job, true, null, Start.AddHours(1))).State);
        Assert.Equal(Start.AddHours(1), job!.EndedAt);
    }

    [Fact]
    public void GivenASelection_WhenTheSameComesAgain_ThenNothingChanges_AndAnotherIsAConflict()
    {
        Ready();

        Assert.Empty(RestoreJob.AcceptSelection(job, "blob", "hash", 2, Start).Events);
        Assert.Equal(ProblemCodes.Conflict, RestoreJob.AcceptSelection(job, "blob", "other", 2, Start).Refusal?.Code);
    }

    [Fact]
    public void GivenAPlan_WhenItComesTwiceOrBeforeTheSelectionOrAfterTheEnd_ThenItOpensNothing()
    {
        Requested();
        Assert.Empty(Plan().Events);
        Ready();
        Assert.Empty(Plan().Events);
        Assert.Empty(RestoreJob.RefusePlan(job, ProblemCodes.Integrity, "late", Start).Events);
        Apply(RestoreJob.Cancel(job, "its machine", Start));
        Assert.Empty(Plan().Events);
        Assert.Empty(RestoreJob.RefusePlan(job, ProblemCodes.Integrity, "late", Start).Events);
        Assert.Empty(RestoreJob.AcceptPlan(null, "plan", 1, 1, Start).Events);
    }

    [Fact]
    public void GivenAClearedJob_WhenAPlanComesLate_ThenItIsClearedAgainOnce()
    {
        Planning();
        Apply(RestoreJob.Cancel(job, "an operator", Start));
        Apply(RestoreJob.Clear(job, Start));
        Assert.Null(job!.SweepAt);

        Apply(Plan());
        Assert.Equal((RestoreJobState.Cancelled, Start), (job.State, job.SweepAt));
        Apply(RestoreJob.Clear(job, Start));

        Assert.Empty(Plan().Events);
        Assert.Empty(RestoreJob.Clear(job, Start).Events);
    }

    [Fact]
    public void GivenARefusedPlan_WhenTheAgentAsks_ThenEveryAnswerSaysWhy()
    {
        Planning();
        Apply(RestoreJob.RefusePlan(job, ProblemCodes.Integrity, "3 chunks are missing.", Start));

        Assert.Equal(RestoreJobState.Failed, job!.State);
        foreach (var decision in new[]
        {
            RestoreJob.OpenStream(job, Start), RestoreJob.Touch(job, Start), RestoreJob.Finish(job, true, null, Start),
            RestoreJob.AcceptSelection(job, "blob", "hash", 2, Start), RestoreJob.Cancel(job, "its machine", Start),
        })
        {
            Assert.Equal(ProblemCodes.Integrity, decision.Refusal?.Code);
            Assert.Contains("3 chunks are missing.", decision.Refusal!.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void GivenAJobThatIsNotReady_WhenStreamedOrFinished_ThenItIsRefused()
    {
        Planning();

        Assert.Equal(ProblemCodes.Conflict, RestoreJob.OpenStream(job, Start).Refusal?.Code);
        Assert.Equal(ProblemCodes.Conflict, RestoreJob.Finish(job, true, null, Start).Refusal?.Code);
    }

    [Fact]
    public void GivenAnEnd_WhenToldAgain_ThenTheSameIsFineAndAnotherIsNot()
    {
        Ready();
        Apply(RestoreJob.Finish(job, false, "no space left", Start));

        Assert.Equal("no space left", job!.Reason);
        Assert.Empty(RestoreJob.Finish(job, false, "again", Start).Events);
        Assert.Null(RestoreJob.Finish(job, false, "again", Start).Refusal);
        Assert.NotNull(RestoreJob.Finish(job, true, null, Start).Refusal);
    }

    [Fact]
    public void GivenACancelledJob_WhenCancelledAgain_ThenItIsSoAlready_AndACompletedOneIsRefused()
    {
        Ready();
        var completed = Fold(RestoreJob.Finish(job, true, null, Start));
        Apply(RestoreJob.Cancel(job, "an operator", Start));

        Assert.Equal(Decision.Nothing, RestoreJob.Cancel(job, "an operator", Start));
        Assert.Equal(ProblemCodes.Conflict, RestoreJob.Cancel(completed, "an operator", Start).Refusal?.Code);
    }

    [Fact]
    public void GivenADayWithoutARequest_WhenSwept_ThenAnOpenJobExpiresThenAndNotBefore()
    {
        Ready();
        Assert.Equal(Start.AddDays(1), job!.SweepAt);
        Assert.Empty(RestoreJob.ExpireIfDue(job, Start.AddDays(1).AddTicks(-1)).Events);

        Apply(RestoreJob.OpenStream(job, Start.AddHours(12)));
        Assert.Empty(RestoreJob.ExpireIfDue(job, Start.AddDays(1)).Events);
        Apply(RestoreJob.ExpireIfDue(job, Start.AddHours(36)));

        Assert.Equal(RestoreJobState.Expired, job!.State);
        Assert.Empty(RestoreJob.ExpireIfDue(job, Start.AddYears(1)).Events);
    }

    [Fact]
    public void GivenManyRequests_WhenTheyCome_ThenOneAMinuteIsNoted()
    {
        Ready();

        Assert.Empty(RestoreJob.Touch(job, Start.AddSeconds(59)).Events);
        Apply(RestoreJob.Touch(job, Start.AddSeconds(60)));
        Assert.Empty(RestoreJob.Touch(job, Start.AddSeconds(61)).Events);
        Assert.Equal(Start.AddSeconds(60), job!.LastRequestAt);
    }

    [Fact]
    public void GivenDamage_WhenTheJobHasEndedAlready_ThenItsEndStays()
    {
        Ready();
        Apply(RestoreJob.Cancel(job, "an operator", Start));

        Assert.Empty(RestoreJob.Fail(job, ProblemCodes.Integrity, "damage", Start).Events);
    }

    private RestoreJob Requested() => Apply(Decision.Append(new JobRequested(Id, Id, Id, Id, Id, Start)));

    private RestoreJob Planning()
    {
        if (job is null)
        {
            Requested();
        }

        return Apply(RestoreJob.AcceptSelection(job, "blob", "hash", 2, Start));
    }

    private RestoreJob Ready()
    {
        if (job is not { State: RestoreJobState.Planning })
        {
            Planning();
        }

        return Apply(Plan());
    }

    private Decision Plan() => RestoreJob.AcceptPlan(job, "plan", 2, 100, Start);

    private RestoreJob Fold(Decision decision) => decision.Events.Aggregate(job!, RestoreJob.Fold);

    private RestoreJob Apply(Decision decision)
    {
        Assert.Null(decision.Refusal);
        Assert.NotEmpty(decision.Events);
        events.AddRange(decision.Events);
        job = decision.Events.Aggregate(job, RestoreJob.Fold);
        return job!;
    }
}
