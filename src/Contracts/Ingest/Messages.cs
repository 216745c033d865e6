namespace BackupPlatform.Contracts.Ingest;

/// <summary>A backup job has begun. The stream is the job's.</summary>
public sealed record BackupStarted(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, Guid MachineId, string Item) : IContract;

/// <summary>A recovery point is sealed: it can be seen and restored. The stream is the machine's item.</summary>
/// <param name="Sequence">1 for the item's first point, then without a gap; it tells a reader what it has missed.</param>
/// <param name="TimeZone">IANA name of the machine's zone.</param>
/// <param name="StoredBytes">What the point added to the vault, in bytes.</param>
public sealed record RecoveryPointCreated(
    Guid StreamId,
    long Version,
    DateTimeOffset At,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    long Sequence,
    string TimeZone,
    long StoredBytes) : IContract;

/// <summary>A backup job ended without a recovery point. The stream is the job's.</summary>
/// <param name="Reason">For people.</param>
public sealed record BackupFailed(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid VaultId, Guid MachineId, string Item, string Reason)
    : IContract;

/// <summary>A restore job's chunks are found, leased and planned. The stream is the restore lease, of the restore job's id.</summary>
/// <param name="PlanBlob">Name of the blob with the plan.</param>
/// <param name="Chunks">How many chunks the plan holds.</param>
/// <param name="Bytes">How many bytes the frames of the plan have together.</param>
public sealed record RestorePlanned(
    Guid StreamId, long Version, DateTimeOffset At, Guid RestoreJobId, string PlanBlob, long Chunks, long Bytes) : IContract;

/// <summary>A restore job cannot be planned. The stream is the restore lease, of the restore job's id.</summary>
/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
public sealed record RestorePlanRefused(
    Guid StreamId, long Version, DateTimeOffset At, Guid RestoreJobId, string Code, string Reason) : IContract;

/// <summary>Whether a vault that is to be deleted holds recovery points. The stream is the vault's closing, in ingest.</summary>
/// <param name="VaultVersion">Version of the <see cref="Vaults.VaultClosing"/> that is answered.</param>
/// <param name="RecoveryPoints">How many there are that can be restored or undeleted. 0: the vault takes no backup any more.</param>
public sealed record VaultClosingAnswered(
    Guid StreamId, long Version, DateTimeOffset At, Guid VaultId, long VaultVersion, long RecoveryPoints) : IContract;
