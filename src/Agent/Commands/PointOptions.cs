using System.CommandLine;

namespace BackupPlatform.Agent.Commands;

/// <summary>The arguments that name a recovery point.</summary>
internal static class PointOptions
{
    public static Argument<string> Point() => new("POINT")
    {
        Description = "Recovery point: its id, a unique beginning of the id, or 'latest'",
    };

    public static Option<string?> Item(string what) => new("--item") { Description = what, HelpName = "NAME" };

    /// <summary>An item's name: 1 to 64 characters of a-z, 0-9, '-', '_', '.', the last no '.'.</summary>
    /// <exception cref="AgentException">It is none (exit 2).</exception>
    public static string? CheckItem(string? item) =>
        item is null || (item.Length is >= 1 and <= 64 && item[^1] != '.' && item.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.'))
            ? item
            : throw AgentException.Usage($"'{item}' is no item's name: 1 to 64 characters of a-z, 0-9, '-', '_' and '.', the last no '.'.");
}
