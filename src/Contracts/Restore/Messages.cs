namespace BackupPlatform.Contracts.Restore;

/// <summary>Asks ingest to find, lease and plan the chunks of a restore job. The stream is the restore job's.</summary>
/// <param name="SelectionBlob">Name of the blob with the wanted chunk ids, 32 bytes each; null: the whole recovery point.</param>
public sealed record RestoreRequested(
    Guid StreamId,
    long Version,
    DateTimeOffset At,
    Guid SubscriptionId,
    Guid VaultId,
    Guid MachineId,
    Guid RecoveryPointId,
    string? SelectionBlob) : IContract;

/// <summary>A restore job can be streamed. The stream is the restore job's.</summary>
public sealed record RestoreReady(Guid StreamId, long Version, DateTimeOffset At, long Chunks, long Bytes) : IContract;

/// <summary>A restore job is done; its lease ends. The stream is the restore job's.</summary>
public sealed record RestoreCompleted(Guid StreamId, long Version, DateTimeOffset At) : IContract;

/// <summary>A restore job ended otherwise; its lease ends. The stream is the restore job's.</summary>
/// <param name="State">Failed, Cancelled or Expired.</param>
/// <param name="Code">One of <see cref="ProblemCodes"/>, or null where it was cancelled.</param>
public sealed record RestoreFailed(
    Guid StreamId, long Version, DateTimeOffset At, RestoreJobState State, string? Code, string Reason) : IContract;
