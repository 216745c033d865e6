namespace BackupPlatform.Contracts.Retention;

/// <summary>A recovery point carries these tags and expires then. The stream is the item's retention; the newest version counts.</summary>
public sealed record RecoveryPointTagged(
    Guid StreamId,
    long Version,
    DateTimeOffset At,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    IReadOnlyList<string> Tags,
    DateTimeOffset ExpiresAt) : IContract;

/// <summary>A recovery point's retention has ended: it can no longer be restored. A tombstone: it wins over what comes late.</summary>
public sealed record RecoveryPointExpired(
    Guid StreamId, long Version, DateTimeOffset At, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId) : IContract;
