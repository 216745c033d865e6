using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.IngestService;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Items;
using BackupPlatform.IngestService.Restores;
using BackupPlatform.Platform.EventStore;

namespace BackupPlatform.Ingest.Tests;

public sealed class DecisionTests
{
    private static readonly Limits Limits = new(ItemsPerMachine: 2, RecoveryPointsPerItem: 4, BackupsPerDay: 3);
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
    private static readonly Guid ItemId = Guid.Parse("11111111-1111-8111-8111-111111111111");

    [Fact]
    public void GivenThreeSealsOfALocalDay_WhenBeginning_ThenRefusedUntilMidnightInTheMachinesZone()
    {
        // 22:30 UTC is half past midnight in Berlin's summer: the next day there, the same day in UTC.
        var item = SealedAt("2026-07-01T08:00Z", "2026-07-01T12:00Z", "2026-07-01T21:59Z");

        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-07-01T21:59:59Z").Refusal?.Code);
        Assert.Null(Begin(item, "2026-07-01T22:30Z").Refusal);
        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-07-01T22:30Z", TimeZoneInfo.Utc).Refusal?.Code);
    }

    [Fact]
    public void GivenTheDayOf25Hours_WhenBeginning_ThenAllItsHoursAreOneDay()
    {
        var item = SealedAt("2026-10-24T22:01Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z");

        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-10-25T22:59Z").Refusal?.Code);
        Assert.Null(Begin(item, "2026-10-25T23:00Z").Refusal);
    }

    [Fact]
    public void GivenTheDayOf23Hours_WhenBeginning_ThenTheNextDayBeginsAnHourEarlier()
    {
        var item = SealedAt("2026-03-28T23:01Z", "2026-03-29T00:30Z", "2026-03-29T01:30Z");

        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-03-29T21:59Z").Refusal?.Code);
        Assert.Null(Begin(item, "2026-03-29T22:00Z").Refusal);
    }

    [Fact]
    public void GivenAsManyPointsAsAllowed_WhenOneExpires_ThenOneMoreMayBegin()
    {
        var item = SealedAt("2026-07-01T08:00Z", "2026-07-02T08:00Z", "2026-07-03T08:00Z", "2026-07-04T08:00Z");
        Assert.Equal(ProblemCodes.RecoveryPointLimit, Begin(item, "2026-07-05T08:00Z").Refusal?.Code);

        var (id, now) = (item.LivePoints[0], At("2026-07-05T08:00Z"));
        Assert.Null(MachineItem.Begin(item, ItemId, Guid.CreateVersion7(), Berlin, Limits, overdue: 1, now).Refusal);
        var next = Apply(item, MachineItem.Settle(item, id, now, PointStanding.Ended, now))!;

        Assert.Null(Begin(next, "2026-07-05T08:00Z").Refusal);
        Assert.Empty(MachineItem.Settle(next, id, now, PointStanding.Ended, now).Events);
        Assert.Empty(MachineItem.Settle(null, id, now, PointStanding.Ended, now).Events);
    }

    [Fact]
    public void GivenAPointOfToday_WhenDeletedAndUndeleted_ThenItCountsForNoLimitMeanwhile()
    {
        var item = SealedAt("2026-07-01T08:00Z", "2026-07-01T09:00Z", "2026-07-01T10:00Z");
        var (id, sealedAt, now) = (item.LivePoints[1], At("2026-07-01T09:00Z"), At("2026-07-01T11:00Z"));
        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-07-01T11:00Z").Refusal?.Code);

        item = Apply(item, MachineItem.Settle(item, id, sealedAt, PointStanding.Deleted, now))!;
        Assert.Equal(2, item.LivePoints.Count);
        Assert.Null(Begin(item, "2026-07-01T11:00Z").Refusal);
        Assert.Empty(MachineItem.Settle(item, id, sealedAt, PointStanding.Ended, now).Events);
        Assert.Empty(MachineItem.Settle(item, id, sealedAt, PointStanding.Deleted, now).Events);

        item = Apply(item, MachineItem.Settle(item, id, sealedAt, PointStanding.Live, now))!;
        Assert.Equal(3, item.LivePoints.Count);
        Assert.Equal(ProblemCodes.DailyBackupLimit, Begin(item, "2026-07-01T11:00Z").Refusal?.Code);
        Assert.Empty(MachineItem.Settle(item, id, sealedAt, PointStanding.Live, now).Events);
    }

    [Fact]
    public void GivenManySeals_WhenFolded_ThenOnlyRecentOnesAreKept()
    {
        var item = SealedAt([.. Enumerable.Range(0, 300).Select(i => At("2026-01-01T08:00Z").AddHours(i * 12).ToString("O"))]);

        Assert.True(item.RecentSeals.Count <= 5);
        Assert.Equal(300, item.LivePoints.Count);
        Assert.Equal(300, item.NewestSequence);
    }

    [Fact]
    public void GivenAnOpenJob_WhenAnotherBegins_ThenOnlyTheNewOneCanSeal()
    {
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var item = Apply(null, MachineItem.Begin(null, ItemId, first, Berlin, Limits, 0, At("2026-07-01T08:00Z")))!;
        item = Apply(item, MachineItem.Begin(item, ItemId, second, Berlin, Limits, 0, At("2026-07-01T09:00Z")))!;

        Assert.Equal(ProblemCodes.Conflict, MachineItem.Seal(item, Point(first, 1, 0, "2026-07-01T10:00Z")).Refusal?.Code);
        Assert.Empty(MachineItem.End(item, first, At("2026-07-01T10:00Z")).Events);
        Assert.Null(MachineItem.Seal(item, Point(second, 1, 0, "2026-07-01T10:00Z")).Refusal);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    public void GivenANewestPoint_WhenSealingOnAnother_ThenConflict(long sequence, long baseSequence)
    {
        var job = Guid.CreateVersion7();
        var item = SealedAt("2026-07-01T08:00Z");
        item = Apply(item, MachineItem.Begin(item, ItemId, job, Berlin, Limits, 0, At("2026-07-02T08:00Z")))!;

        Assert.Equal(ProblemCodes.Conflict, MachineItem.Seal(item, Point(job, sequence, baseSequence, "2026-07-02T09:00Z")).Refusal?.Code);
        Assert.Null(MachineItem.Seal(item, Point(job, 2, 1, "2026-07-02T09:00Z")).Refusal);
        Assert.Equal(ProblemCodes.NotFound, MachineItem.Seal(null, Point(job, 1, 0, "2026-07-02T09:00Z")).Refusal?.Code);
    }

    [Fact]
    public void GivenTwoItemsOfTwo_WhenUsingAThird_ThenRefusedAndTheFirstTwoGoOn()
    {
        var machineId = Guid.CreateVersion7();
        MachineItems? items = null;
        foreach (var name in (string[])["files", "database"])
        {
            var added = MachineItems.Use(items, machineId, name, limit: 2, At("2026-07-01T08:00Z"));
            items = MachineItems.Fold(items, Assert.Single(added.Events));
        }

        Assert.Equal(ProblemCodes.ItemLimit, MachineItems.Use(items, machineId, "third", 2, At("2026-07-01T08:00Z")).Refusal?.Code);
        Assert.Empty(MachineItems.Use(items, machineId, "files", 2, At("2026-07-01T08:00Z")).Events);
    }

    [Fact]
    public void GivenAJob_WhenItHasEnded_ThenItEndsNoOtherWay()
    {
        var now = At("2026-07-01T08:00Z");
        var open = BackupJob.Fold(null, new BackupJobOpened(
            Guid.CreateVersion7(), Guid.Empty, Guid.Empty, Guid.Empty, ItemId, "files", "UTC", 1, 0, null, now));
        var failed = BackupJob.Fold(open, Assert.Single(BackupJob.Fail(open, "superseded", now).Events));
        var cancelled = BackupJob.Fold(open, Assert.Single(BackupJob.Cancel(open, now).Events));
        var done = BackupJob.Fold(open, Assert.Single(BackupJob.Seal(open, Guid.CreateVersion7(), now).Events));

        Assert.Equal((BackupJobState.Failed, "superseded"), (failed.State, failed.Reason));
        Assert.Equal(BackupJobState.Cancelled, cancelled.State);
        Assert.Equal((BackupJobState.Sealed, now), (done.State, done.EndedAt));
        foreach (var ended in (BackupJob[])[failed, cancelled])
        {
            Assert.Equal(ProblemCodes.Conflict, BackupJob.Seal(ended, Guid.CreateVersion7(), now).Refusal?.Code);
            Assert.Equal(Decision.Nothing, BackupJob.Cancel(ended, now));
            Assert.Equal(Decision.Nothing, BackupJob.Fail(ended, "abandoned", now));
        }

        Assert.Equal(ProblemCodes.Conflict, BackupJob.Cancel(done, now).Refusal?.Code);
        Assert.Equal(Decision.Nothing, BackupJob.Fail(done, "abandoned", now));
        Assert.Equal(ProblemCodes.NotFound, BackupJob.Cancel(null, now).Refusal?.Code);
    }

    [Fact]
    public void GivenALease_WhenItHasEndedOrIsAnswered_ThenItIsNotAnsweredAgain()
    {
        var (job, now) = (Guid.CreateVersion7(), At("2026-07-01T08:00Z"));
        var granted = new RestoreLeaseGranted(job, Guid.CreateVersion7(), "plan", 1, 100, now);
        var lease = RestoreLease.Fold(null, Assert.Single(RestoreLease.Answer(null, granted).Events));

        Assert.Empty(RestoreLease.Answer(lease, granted).Events);
        lease = RestoreLease.Fold(lease, Assert.Single(RestoreLease.End(lease, job, now).Events));
        Assert.Empty(RestoreLease.End(lease, job, now).Events);
        Assert.Empty(RestoreLease.Answer(lease, granted).Events);
        var early = RestoreLease.Fold(null, Assert.Single(RestoreLease.End(null, job, now).Events));
        Assert.Empty(RestoreLease.Answer(early, granted).Events);
    }

    [Fact]
    public void GivenMachineAndItem_WhenDeriving_ThenTheIdIsAlwaysTheSameUuidV8()
    {
        var machine = Guid.Parse("01928f6e-5a3c-7c1f-8a3b-1234567890ab");

        Assert.Equal(IngestService.Items.ItemId.Of(machine, "files"), IngestService.Items.ItemId.Of(machine, "files"));
        Assert.Equal("b70276ac-a90b-8c3b-ab91-4eb175a2d881", IngestService.Items.ItemId.Of(machine, "files").ToString("D"));
        Assert.NotEqual(IngestService.Items.ItemId.Of(machine, "files"), IngestService.Items.ItemId.Of(machine, "database"));
        Assert.Equal(8, IngestService.Items.ItemId.Of(machine, "x").Version);
    }

    [Theory]
    [InlineData("files", true)]
    [InlineData("a.b-c_9", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("Files", false)]
    [InlineData("a/b", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a.", false)]
    [InlineData("ä", false)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", true)]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234", false)]
    public void GivenAnItemName_WhenChecked_ThenOnlyWhatBlobNamesTakeIsGood(string? name, bool good)
    {
        Assert.Equal(good, IngestService.Items.ItemId.Check(name) is null);
        Assert.Equal(good, name is not null && name.Length <= 64 && BackupPlatform.Storage.BlobName.IsValid(name) && !name.Contains('/', StringComparison.Ordinal));
    }

    private static Decision Begin(MachineItem item, string now, TimeZoneInfo? zone = null) =>
        MachineItem.Begin(item, ItemId, Guid.CreateVersion7(), zone ?? Berlin, Limits, 0, At(now));

    private static MachineItem SealedAt(params string[] times)
    {
        var item = MachineItem.Fold(null, new ItemBackupBegun(ItemId, Guid.CreateVersion7(), At(times[0])));
        for (var i = 0; i < times.Length; i++)
        {
            item = MachineItem.Fold(item, Point(Guid.CreateVersion7(), i + 1, i, times[i]));
        }

        return item;
    }

    private static MachineItem? Apply(MachineItem? item, Decision decision) => decision.Events.Aggregate(item, MachineItem.Fold);

    private static RecoveryPointSealed Point(Guid job, long sequence, long baseSequence, string at) => new(
        ItemId, Guid.Empty, Guid.Empty, Guid.Empty, "files", job, Guid.CreateVersion7(), sequence, baseSequence, "Europe/Berlin", 1, 1, At(at));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
