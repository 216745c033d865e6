using BackupPlatform.Contracts;
using BackupPlatform.RetentionService.Items;

namespace BackupPlatform.Retention.Tests;

/// <summary>Soft deletion: what it does to the item's points, and what can still be done.</summary>
public sealed class DeletionTests
{
    private readonly ItemHistory item = new();

    [Fact]
    public void GivenADeletedPoint_WhenUndeletedInTime_ThenItIsAsItWas()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00"), item.Sealed("2026-05-03T10:00"));
        var (expiry, tags) = (item.Expiry(2), item[2].Tags);

        item.Delete(2, "2026-05-04T00:00");
        Assert.Equal([1L, 3L], item.Live);
        Assert.Equal(ItemHistory.Utc("2026-05-18T00:00"), item.State!.NextPurge);

        item.Undelete(2, "2026-05-17T23:59");
        Assert.Equal([1L, 2L, 3L], item.Live);
        Assert.Equal((expiry, tags), (item.Expiry(2), item[2].Tags));
        Assert.Null(item.State!.NextPurge);
    }

    [Fact]
    public void GivenADeletedPoint_WhenItsTimeIsOver_ThenItIsPurgedAndCannotComeBack()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00")).Delete(1, "2026-05-03T00:00");

        Assert.Equal(ProblemCodes.Conflict, item.UndeleteRefused(1, "2026-05-17T00:00"));
        item.ExpireDue(ItemHistory.Utc("2026-05-16T23:59"));
        Assert.Empty(item.Events.OfType<PointPurged>());
        item.ExpireDue(ItemHistory.Utc("2026-05-17T00:00")).ExpireDue(ItemHistory.Utc("2026-05-17T00:00"));

        Assert.Single(item.Events.OfType<PointPurged>());
        Assert.Empty(item.State!.Deleted);
        Assert.Equal(ProblemCodes.Conflict, item.UndeleteRefused(1, "2026-05-17T00:00"));
        Assert.Equal(ProblemCodes.Conflict, item.DeleteRefused(1, "2026-05-17T00:00"));
    }

    [Fact]
    public void GivenTheSameCallTwice_WhenDecided_ThenTheSecondChangesNothing()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"));

        item.Delete(1, "2026-05-02T00:00").Delete(1, "2026-05-03T00:00");
        Assert.Equal(ItemHistory.Utc("2026-05-16T00:00"), Assert.Single(item.Events.OfType<PointDeleted>()).PurgeAt);
        item.Undelete(1, "2026-05-03T00:00").Undelete(1, "2026-05-04T00:00");
        Assert.Single(item.Events.OfType<PointUndeleted>());
    }

    [Fact]
    public void GivenTheNewestPoint_WhenDeleted_ThenTheNewestThatIsLeftDoesNotExpire()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00")).Delete(2, "2026-05-03T00:00");

        item.ExpireDue(ItemHistory.Utc("2036-05-03T00:00"));

        Assert.Equal([1L], item.Live);
        Assert.Empty(item.Events.OfType<PointExpired>());
    }

    [Fact]
    public void GivenTheLastPointOfADay_WhenDeleted_ThenTheOneBeforeItCarriesTheTag()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-01T12:00"), item.Sealed("2026-05-02T10:00"));
        Assert.Empty(item[1].Tags);

        item.Delete(2, "2026-05-03T00:00");
        Assert.Equal(["daily"], item[1].Tags);
        item.Undelete(2, "2026-05-04T00:00");

        Assert.Empty(item[1].Tags);
        Assert.Equal(["daily"], item[2].Tags);
    }

    [Fact]
    public void GivenAPointWhoseTimeRanOutWhileDeleted_WhenUndeleted_ThenItStaysForADay()
    {
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00")).Delete(1, item[1].ExpiresAt!.Value.AddDays(-1).ToString("s"));
        var undeleted = item.State!.NextPurge!.Value.AddHours(-1);

        item.Undelete(1, undeleted.UtcDateTime.ToString("s")).ExpireDue(undeleted.AddHours(23));
        Assert.Contains(1L, item.Live);
        item.ExpireDue(undeleted.AddHours(24));

        Assert.DoesNotContain(1L, item.Live);
    }

    [Fact]
    public void GivenAPointThatNobodyHeardOf_WhenDeleted_ThenConflict() =>
        Assert.Equal(ProblemCodes.Conflict, item.Hears(item.Sealed("2026-05-01T10:00")).DeleteRefused(7, "2026-05-02T00:00"));
}
