namespace BackupPlatform.Contracts.Ingest;

public enum BackupJobState
{
    Open,
    Sealed,
    Failed,
    Cancelled,
}

/// <summary>Opens a backup job for an item of the calling machine.</summary>
/// <param name="Item">1 to 64 characters of a-z, 0-9, '-', '_', '.', the last no '.'.</param>
public sealed record OpenBackup(string? Item);

/// <param name="BasePoint">The item's newest recovery point, pinned by the job; null for a first backup, and null in lists and for operators.</param>
/// <param name="NextSequence">The sequence number that the job's point will have.</param>
/// <param name="StoredBytes">Bytes of the packs that the job has stored so far.</param>
/// <param name="RecoveryPointId">The point it became; null until sealed.</param>
/// <param name="Reason">Why it failed; null otherwise.</param>
public sealed record BackupJobDocument(
    Guid Id,
    Guid VaultId,
    Guid MachineId,
    string Item,
    BackupJobState State,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    long NextSequence,
    BasePoint? BasePoint,
    long StoredBytes,
    Guid? RecoveryPointId,
    string? Reason);

/// <summary>What a backup starts from.</summary>
/// <param name="ChunkCount">How many distinct chunks it refers to.</param>
/// <param name="ChunkSetHash">Their set hash, 32 bytes.</param>
/// <param name="Manifest">Sealed; the agent alone reads it.</param>
public sealed record BasePoint(Guid RecoveryPointId, long Sequence, long ChunkCount, byte[] ChunkSetHash, byte[] Manifest);

/// <summary>The answer to a segment: all its chunks are durable and indexed.</summary>
public sealed record SegmentReceipt(int Segment, int Chunks, long Bytes);

/// <summary>
/// Sealed: can be restored. Deleted: by an operator, can be undeleted. Expired: its retention has ended. Purged: deleted for good.
/// </summary>
public enum RecoveryPointState
{
    Sealed,
    Deleted,
    Expired,
    Purged,
}

/// <param name="StoredBytes">What the point added to the vault, in bytes.</param>
/// <param name="UploadedBytes">What the agent sent for it, in bytes.</param>
/// <param name="Tags">Of the retention policy, such as <c>daily</c>.</param>
/// <param name="ExpiresAt">Null until retention has looked at it.</param>
public sealed record RecoveryPointDocument(
    Guid Id,
    Guid VaultId,
    Guid MachineId,
    string Item,
    long Sequence,
    DateTimeOffset CreatedAt,
    RecoveryPointState State,
    long ChunkCount,
    long StoredBytes,
    long UploadedBytes,
    IReadOnlyList<string> Tags,
    DateTimeOffset? ExpiresAt);
