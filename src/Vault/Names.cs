using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.VaultService;

/// <summary>Names that people give to subscriptions and vaults.</summary>
internal static class Names
{
    private const int MaxLength = 100;

    /// <returns>Why a name will not do; null where it does.</returns>
    public static Refusal? Check(string? name) =>
        string.IsNullOrWhiteSpace(name) || name.Length > MaxLength || name.Any(char.IsControl)
            ? Refusal.Invalid("name", $"'name' is 1 to {MaxLength} characters, none of them a control character.")
            : null;
}
