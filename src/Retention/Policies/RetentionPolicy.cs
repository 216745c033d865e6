namespace BackupPlatform.RetentionService.Policies;

/// <summary>How long which days' recovery points are kept. A tier that is null is not part of the policy.</summary>
public sealed record RetentionPolicy(DailyTier? Daily)
{
    /// <summary>
    /// What holds for every machine. With the three backups that a day may have, that is 363 recovery points at most: nobody who
    /// goes by the default meets the limit of 366 recovery points of an item.
    /// </summary>
    public static RetentionPolicy BuiltIn { get; } = new(new DailyTier(KeepDays: 120));
}

/// <summary>Selects every day.</summary>
/// <param name="KeepDays">How many days after its day a recovery point is kept, at least 1.</param>
public sealed record DailyTier(int KeepDays)
{
    /// <summary>The tag of this tier.</summary>
    public const string Tag = "daily";

    /// <summary>The last selected day of a span.</summary>
    /// <param name="after">The day before the span.</param>
    /// <param name="before">The day behind it.</param>
    /// <returns>Null where the span has no selected day.</returns>
    public static DateOnly? LastSelected(DateOnly after, DateOnly before) => before.AddDays(-1) is var last && last > after ? last : null;

    /// <summary>The last day on which what carries the tag of a selected day is kept.</summary>
    public DateOnly KeptThrough(DateOnly selected) => selected.AddDays(KeepDays);
}
