namespace BackupPlatform.Contracts.Vaults;

/// <summary>A vault can take machines from now on. The stream is the vault's.</summary>
public sealed record VaultCreated(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, string Name, Redundancy Redundancy) : IContract;
