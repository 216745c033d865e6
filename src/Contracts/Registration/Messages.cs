namespace BackupPlatform.Contracts.Registration;

/// <summary>A machine is protected by a vault from now on. The stream is the machine's.</summary>
/// <param name="TimeZone">IANA name of the machine's zone: its days, for the daily limit and for retention.</param>
public sealed record MachineRegistered(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, string Name, string TimeZone) : IContract;
