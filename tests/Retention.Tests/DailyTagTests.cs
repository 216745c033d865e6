using BackupPlatform.RetentionService.Items;
using BackupPlatform.RetentionService.Policies;
using BackupPlatform.Testing;
using NodaTime;

namespace BackupPlatform.Retention.Tests;

public sealed class DailyTagTests
{
    [Fact]
    public void GivenOnePoint_WhenTagged_ThenItIsKeptThroughTheThirtiethDayAfterItsOwn()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"));

        Assert.Equal(["daily"], item[1].Tags);
        Assert.Equal("2026-06-01T00:00", item.Expiry(1));
    }

    [Fact]
    public void GivenALaterPointOfTheDay_WhenTagged_ThenItTakesTheTagAndTheEarlierExpiresWithIt()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-01T23:59"));

        Assert.Empty(item[1].Tags);
        Assert.Equal(["daily"], item[2].Tags);
        Assert.Equal(item.Expiry(2), item.Expiry(1));
    }

    [Fact]
    public void GivenNothingChangesForAPoint_WhenAnotherIsTagged_ThenTheFirstIsNotToldAgain()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00"), item.Sealed("2026-05-03T10:00"));

        Assert.Equal([1L, 2L, 3L], item.Events.OfType<PointTagged>().Select(e => item.State!.Points.Single(p => p.Id == e.RecoveryPointId).Sequence));
    }

    [Theory]
    [InlineData("2026-02-27T10:00", "2026-03-30T00:00")] // the 29th has 23 hours
    [InlineData("2026-09-25T10:00", "2026-10-26T00:00")] // the 25th has 25 hours
    [InlineData("2026-03-29T01:30", "2026-04-29T00:00")]
    public void GivenADayOf23Or25Hours_WhenItIsTheLastThatIsKept_ThenItsEndCountsByTheCalendar(string sealedAt, string expires)
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed(sealedAt));

        Assert.Equal(expires, item.Expiry(1));
    }

    [Fact]
    public void GivenTheDoubledHour_WhenPointsFallIntoBothHalves_ThenTheyAreOfOneDayAndTheLaterCarriesTheTag()
    {
        var item = new ItemHistory("America/New_York");
        item.Hears(item.Sealed("2026-11-01T01:30", offset: -4), item.Sealed("2026-11-01T01:30", offset: -5));

        Assert.Empty(item[1].Tags);
        Assert.Equal(["daily"], item[2].Tags);
        Assert.Equal("2026-12-02T00:00", item.Expiry(1));
    }

    [Fact]
    public void GivenAZoneWhereMidnightIsSkipped_WhenThatDayWouldBegin_ThenItExpiresWithTheFirstInstantOfIt()
    {
        // Beirut's clocks go from 00:00 to 01:00.
        var item = new ItemHistory("Asia/Beirut");
        item.Hears(item.Sealed("2026-02-26T10:00"));

        Assert.Equal("2026-03-29T01:00", item.Expiry(1));
    }

    [Fact]
    public void GivenMidnightInTheZone_WhenPointsLieAroundIt_ThenEachIsOfItsLocalDay()
    {
        var item = new ItemHistory("Pacific/Auckland");
        item.Hears(item.Sealed("2026-05-01T23:59"), item.Sealed("2026-05-02T00:00"));

        Assert.Equal(["daily"], item[1].Tags);
        Assert.Equal(["daily"], item[2].Tags);
    }

    [Fact]
    public void GivenEqualTimestamps_WhenTagged_ThenTheHigherSequenceIsTheLast()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-01T10:00"));

        Assert.Equal([0, 0, 1], item.State!.Points.Select(point => point.Tags.Count));
    }

    [Fact]
    public void GivenAPointFromAClockThatWentBackLater_WhenTagged_ThenEachDayKeepsItsOwnTag()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2027-05-01T10:00"), item.Sealed("2026-05-02T10:00"));

        Assert.All(item.State!.Points, point => Assert.Equal(["daily"], point.Tags));
        Assert.Equal("2027-06-01T00:00", item.Expiry(2));
        Assert.Equal("2026-06-02T00:00", item.Expiry(3));
    }

    [Fact]
    public void GivenDaysWithoutAPoint_WhenTheNextDayHasTwo_ThenTheFirstInheritsAndTheLastCarriesItsOwn()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-05T10:00"), item.Sealed("2026-05-05T12:00"), item.Sealed("2026-05-05T14:00"));

        Assert.Equal(["daily"], item[2].Tags);
        Assert.Empty(item[3].Tags);
        Assert.Equal(["daily"], item[4].Tags);
        Assert.All([2L, 3L, 4L], number => Assert.Equal("2026-06-05T00:00", item.Expiry(number)));
    }

    [Fact]
    public void GivenTheFirstPointOfAnItem_WhenDaysLieBeforeIt_ThenItInheritsNothing()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-05T10:00"), item.Sealed("2026-05-05T12:00"));

        Assert.Empty(item[1].Tags);
    }

    [Fact]
    public void GivenThePointBeforeAGapExpired_WhenALaterPointIsTagged_ThenWhatWasInheritedStays()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-05T10:00"), item.Sealed("2026-05-05T12:00"));
        item.ExpireDue(item[1].ExpiresAt!.Value);
        item.Hears(item.Sealed("2026-06-02T10:00"));

        Assert.Equal([2L, 3L, 4L], item.Live);
        Assert.Equal(["daily"], item[2].Tags);
    }

    [Fact]
    public void GivenAnotherZoneFromSomePointOn_WhenTagged_ThenThePointsBeforeKeepTheirDaysAndExpiry()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T23:30"));
        var before = item[1];
        var moved = item.Sealed("2026-05-02T10:00") with { TimeZone = "Pacific/Kiritimati" };
        item.Hears(moved);

        Assert.Equal(before, item[1]);
        Assert.Equal(new DateOnly(2026, 5, 2), item[2].Day);
    }

    [Fact]
    public void GivenAnUnknownZone_WhenTagged_ThenItCountsAsUtc()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-02T01:00") with { TimeZone = "Mars/Olympus" });

        Assert.Equal(DateTimeOffset.Parse("2026-06-01T00:00Z", null), item[1].ExpiresAt);
    }

    [Fact]
    public void GivenAFloodOfPointsInADay_WhenTagged_ThenNoOtherDayLosesTagOrTime()
    {
        var item = new ItemHistory();
        item.Hears(item.Sealed("2026-05-01T10:00"), item.Sealed("2026-05-02T10:00"));
        var good = (item[1], item[2]);
        for (var i = 0; i < 300; i++)
        {
            item.Hears(item.Sealed("2026-05-03T10:00"));
        }

        Assert.Equal(good, (item[1], item[2]));
        Assert.Equal([302L], item.State!.Points.Where(point => point.Day.Day == 3 && point.Tags.Count > 0).Select(point => point.Sequence));
    }

    [Theory]
    [InlineData(364, 365)]
    [InlineData(365, 366)]
    [InlineData(366, 367)]
    public void GivenADailyTierOfSoManyDays_WhenEveryDayHasAPoint_ThenTodayAndSoManyDaysBeforeItLive(int keepDays, int live)
    {
        var item = new ItemHistory("Europe/Berlin", new RetentionPolicy(new DailyTier(keepDays)));
        var day = DateTimeOffset.Parse("2026-01-01T11:00Z", null);
        for (var i = 0; i < 400; i++)
        {
            item.Hears(item.SealedAt(day.AddDays(i))).ExpireDue(day.AddDays(i));
        }

        Assert.Equal(live, item.State!.Points.Count);
    }

    [Fact]
    public void GivenTheBuiltInPolicy_WhenThreeBackupsADayAreMadeForAYear_ThenThereIsAlwaysRoomForTheNext()
    {
        const int Limit = 366;
        var item = new ItemHistory("Europe/Berlin", RetentionPolicy.BuiltIn);
        var day = DateTimeOffset.Parse("2027-01-01T11:00Z", null);
        var most = 0;
        for (var i = 0; i < 365 * 3; i++)
        {
            var at = day.AddDays(i / 3).AddHours(i % 3);
            item.ExpireDue(at);
            // As this backup finds it.
            Assert.True((item.State?.Points.Count ?? 0) < Limit, $"backup {i}: {item.State?.Points.Count}");
            item.Hears(item.SealedAt(at));
            most = Math.Max(most, item.State!.Points.Count);
        }

        Assert.Equal(3 * (120 + 1), most);
    }

    [Fact]
    public void GivenNoDailyTier_WhenTagged_ThenAPointIsKeptForADay()
    {
        var item = new ItemHistory(policy: new RetentionPolicy(Daily: null));
        item.Hears(item.Sealed("2026-05-01T10:00"));

        Assert.Empty(item[1].Tags);
        Assert.Equal("2026-05-03T00:00", item.Expiry(1));
    }

    [Fact]
    public void GivenPointsInAnyOrder_WhenAllAreHeardOf_ThenTagsAndExpiryAreThoseOfTheRightOrder()
    {
        var seed = Seed.New(TestContext.Current.TestOutputHelper!.WriteLine);
        var inOrder = new ItemHistory();
        var at = DateTimeOffset.Parse("2026-03-20T00:00Z", null);
        var points = Enumerable.Range(0, 40).Select(_ => inOrder.SealedAt(at = at.AddHours(seed.Random.Next(0, 40)))).ToArray();
        inOrder.Hears(points);

        var shuffled = points.ToArray();
        seed.Random.Shuffle(shuffled);
        var outOfOrder = new ItemHistory().Hears([.. shuffled, .. shuffled]);

        Assert.Equal(
            inOrder.State!.Points.Select(point => (point.Id, string.Join(',', point.Tags), point.ExpiresAt)),
            outOfOrder.State!.Points.Select(point => (point.Id, string.Join(',', point.Tags), point.ExpiresAt)));
        Assert.Empty(outOfOrder.State.Missing);
        Assert.Equal(points.Length, outOfOrder.Events.OfType<PointNoted>().Count());
    }
}
