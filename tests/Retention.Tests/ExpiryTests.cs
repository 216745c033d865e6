using BackupPlatform.RetentionService.Items;

namespace BackupPlatform.Retention.Tests;

public sealed class ExpiryTests
{
    [Fact]
    public void GivenTheLastRemainingPoint_WhenItsTimeIsLongOver_ThenItStays()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00")).ExpireDue(DateTimeOffset.MaxValue);

        Assert.Equal([1L], item.Live);
        Assert.Null(item.State!.NextExpiry);
    }

    [Fact]
    public void GivenTheLastRemainingPointIsOverdue_WhenANewerIsSealed_ThenItGoes()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00")).ExpireDue(DateTimeOffset.MaxValue);
        item.Hears(item.Sealed("2027-05-01T10:00"));

        Assert.NotNull(item.State!.NextExpiry);
        Assert.Equal([2L], item.ExpireDue(item[2].SealedDayStart()).Live);
    }

    [Fact]
    public void GivenAPointIsDue_WhenTheInstantComes_ThenItGoesThenAndNotBefore()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00"));
        var due = item[1].ExpiresAt!.Value;

        Assert.Equal(due, item.State!.NextExpiry);
        Assert.Equal([1L, 2L], item.ExpireDue(due.AddTicks(-1)).Live);
        Assert.Equal([2L], item.ExpireDue(due).Live);
    }

    [Fact]
    public void GivenAYearPassesAtOnce_WhenSwept_ThenOnlyTheNewestIsLeft()
    {
        var item = new ItemHistory();
        for (var day = 1; day <= 28; day++)
        {
            item.Hears(item.Sealed($"2026-05-{day:00}T10:00"), item.Sealed($"2026-05-{day:00}T11:00"));
        }

        item.ExpireDue(DateTimeOffset.Parse("2027-06-01T00:00Z", null));

        Assert.Equal([56L], item.Live);
        Assert.Equal(55, item.Events.OfType<PointExpired>().Select(e => e.RecoveryPointId).Distinct().Count());
    }

    [Fact]
    public void GivenTheSweepIsRepeated_WhenNothingIsDue_ThenNothingHappens()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00"));
        var now = DateTimeOffset.Parse("2026-07-01T00:00Z", null);

        item.ExpireDue(now).ExpireDue(now);

        Assert.Single(item.Events.OfType<PointExpired>());
    }

    [Fact]
    public void GivenAnExpiredPoint_WhenTheNewsOfItComeAgain_ThenItStaysExpired()
    {
        var item = new ItemHistory();
        var first = item.Sealed("2026-05-01T10:00");
        item.Hears(first, item.Sealed("2026-05-02T10:00")).ExpireDue(DateTimeOffset.Parse("2026-07-01T00:00Z", null));

        item.Hears(first);

        Assert.Equal([2L], item.Live);
    }

    [Fact]
    public void GivenNewsThatComeLate_WhenTheirPointIsOverdueAlready_ThenItIsTaggedAndExpiresAtOnce()
    {
        var item = new ItemHistory();
        var late = item.Sealed("2026-05-01T10:00");
        item.Hears(item.Sealed("2026-07-01T10:00"), late);

        Assert.Equal(["daily"], item[1].Tags);
        Assert.Equal([2L], item.ExpireDue(DateTimeOffset.Parse("2026-07-01T11:00Z", null)).Live);
    }

    [Fact]
    public void GivenSkippedSequenceNumbers_WhenTheyComeLater_ThenTheGapIsNoticedAndCloses()
    {
        var item = new ItemHistory();
        var points = Enumerable.Range(1, 6).Select(day => item.Sealed($"2026-05-0{day}T10:00")).ToArray();

        item.Hears(points[0], points[5]);
        Assert.Equal([new SequenceGap(2, 5)], item.State!.Missing);

        item.Hears(points[2]);
        Assert.Equal([new SequenceGap(2, 2), new SequenceGap(4, 5)], item.State!.Missing);

        item.Hears(points[1], points[3], points[4]);
        Assert.Empty(item.State!.Missing);
        Assert.Equal([1L, 2L, 3L, 4L, 5L, 6L], item.Live);
    }
}

internal static class KeptPointTimes
{
    /// <summary>An instant at which the point was surely not due.</summary>
    public static DateTimeOffset SealedDayStart(this KeptPoint point) => new(point.Day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
}
