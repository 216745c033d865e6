namespace BackupPlatform.RetentionService.Policies;

/// <summary>A recovery point as tagging sees it.</summary>
/// <param name="Sequence">Its number in its item; it decides which of a day is the last, whatever the clocks said.</param>
/// <param name="Day">The day it was sealed on, in its time zone.</param>
/// <param name="TimeZone">IANA name: the zone of its days. Another zone from some point on leaves the points before it as they were.</param>
/// <param name="FollowsDay">The day of the last point before it that has expired; null where none has.</param>
public sealed record TaggablePoint(Guid RecoveryPointId, long Sequence, DateOnly Day, string TimeZone, DateOnly? FollowsDay);

/// <summary>What a recovery point carries, and when it expires.</summary>
public sealed record Tagging(Guid RecoveryPointId, IReadOnlyList<string> Tags, DateTimeOffset ExpiresAt);

/// <summary>The schedule of tags of one item.</summary>
public static class TagSchedule
{
    /// <summary>An untagged point is kept for a day where no daily tier says more.</summary>
    private const int UntaggedDays = 1;

    /// <summary>Which tags the points of an item carry and when they expire.</summary>
    /// <remarks>
    /// <para>Of a selected day the last point carries the tag. Selected days without a point, between two points, leave their tag to
    /// the next point: the first one of the next day that has any. Days before an item's first point leave nothing.</para>
    /// <para>A point expires at the end of a day of its zone: the latest of (selected day + what its tier keeps) over its tags, and
    /// never before the daily tag of its own day would, so that an earlier point of a day goes together with the last.</para>
    /// </remarks>
    /// <param name="points">The item's points that have not expired, in any order.</param>
    /// <returns>One for each point.</returns>
    public static IEnumerable<Tagging> Of(RetentionPolicy policy, IEnumerable<TaggablePoint> points)
    {
        var ordered = points.OrderBy(point => point.Day).ThenBy(point => point.Sequence).ToArray();
        for (var i = 0; i < ordered.Length; i++)
        {
            var point = ordered[i];
            var previous = i > 0 ? ordered[i - 1].Day : (DateOnly?)null;
            var lastOfDay = i == ordered.Length - 1 || ordered[i + 1].Day != point.Day;
            yield return Tag(policy, point, Later(previous, point.FollowsDay), lastOfDay);
        }
    }

    /// <param name="previous">The day of the point before; null where there was none.</param>
    private static Tagging Tag(RetentionPolicy policy, TaggablePoint point, DateOnly? previous, bool lastOfDay)
    {
        var tags = new List<string>();
        var keptThrough = point.Day.AddDays(policy.Daily?.KeepDays ?? UntaggedDays);
        if (policy.Daily is { } daily && DailyCarried(point.Day, previous, lastOfDay) is { } selected)
        {
            tags.Add(DailyTier.Tag);
            keptThrough = Later(keptThrough, daily.KeptThrough(selected))!.Value;
        }

        return new Tagging(point.RecoveryPointId, tags, TimeZones.EndOf(keptThrough, point.TimeZone));
    }

    /// <returns>The latest selected day whose tag the point carries, its own or an inherited one; null where it carries none.</returns>
    private static DateOnly? DailyCarried(DateOnly day, DateOnly? previous, bool lastOfDay) =>
        lastOfDay ? day
        : previous is { } since ? DailyTier.LastSelected(since, day)
        : null;

    private static DateOnly? Later(DateOnly? a, DateOnly? b) => a is null || b > a ? b : a;
}
