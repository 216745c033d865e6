namespace BackupPlatform.Contracts.Registration;

/// <summary>A machine is protected by a vault from now on. The stream is the machine's.</summary>
/// <param name="TimeZone">IANA name of the machine's zone: its days, for the daily limit and for retention.</param>
public sealed record MachineRegistered(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, string Name, string TimeZone) : IContract;

/// <summary>A machine was taken over: identities before this generation have ended. The stream is the machine's.</summary>
/// <param name="Generation">2 for the first replacement, then one more each time; a registration is generation 1.</param>
public sealed record MachineReplaced(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, string Name, string TimeZone, int Generation)
    : IContract;

/// <summary>A machine has no identity any more; its recovery points stay. The stream is the machine's.</summary>
/// <param name="Generation">Identities up to this one have ended.</param>
public sealed record MachineDeregistered(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, int Generation) : IContract;
