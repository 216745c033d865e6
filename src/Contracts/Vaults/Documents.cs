namespace BackupPlatform.Contracts.Vaults;

/// <summary>How many copies a vault keeps and where: LRS in one location, GRS also in the paired one.</summary>
public enum Redundancy
{
    LRS,
    GRS,
}

public sealed record CreateSubscription(string? Name);

/// <summary>A new subscription, with the token of its operators, which is shown this once.</summary>
public sealed record SubscriptionCreatedDocument(Guid Id, string Name, string OperatorToken);

public sealed record SubscriptionDocument(Guid Id, string Name, DateTimeOffset CreatedAt);

public sealed record CreateVault(string? Name, string? Redundancy);

public sealed record VaultDocument(Guid Id, Guid SubscriptionId, string Name, Redundancy Redundancy, DateTimeOffset CreatedAt);
