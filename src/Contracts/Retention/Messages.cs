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

/// <summary>A recovery point was deleted by an operator: it can not be restored, but undeleted. The stream is the item's retention.</summary>
/// <param name="PurgeAt">Until when it can be undeleted.</param>
public sealed record RecoveryPointDeleted(
    Guid StreamId, long Version, DateTimeOffset At, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset PurgeAt)
    : IContract;

/// <summary>A deleted recovery point was undeleted. The stream is the item's retention.</summary>
public sealed record RecoveryPointRestored(
    Guid StreamId, long Version, DateTimeOffset At, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId) : IContract;

/// <summary>A deleted recovery point can not be undeleted any more. A tombstone. The stream is the item's retention.</summary>
public sealed record RecoveryPointPurged(
    Guid StreamId, long Version, DateTimeOffset At, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId) : IContract;
