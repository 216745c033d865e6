namespace BackupPlatform.Contracts.Restore;

/// <summary>
/// Requested: waits for the selection of chunks. Planning: ingest finds and leases them. Ready: can be streamed. Streaming: the
/// stream was opened. The others are final.
/// </summary>
public enum RestoreJobState
{
    Requested,
    Planning,
    Ready,
    Streaming,
    Completed,
    Failed,
    Cancelled,
    Expired,
}

public sealed record RequestRestore(Guid RecoveryPointId);

/// <param name="Chunks">Chunks of the plan; null before it is ready.</param>
/// <param name="Bytes">Bytes of the plan's frames together; null before it is ready.</param>
/// <param name="Code">Why it failed, one of <see cref="ProblemCodes"/>; null otherwise.</param>
public sealed record RestoreJobDocument(
    Guid Id,
    Guid VaultId,
    Guid MachineId,
    Guid RecoveryPointId,
    RestoreJobState State,
    DateTimeOffset RequestedAt,
    DateTimeOffset? EndedAt,
    long? Chunks,
    long? Bytes,
    string? Code,
    string? Reason);

/// <summary>The agent says how the restore ended.</summary>
/// <param name="Succeeded">Everything selected was written.</param>
/// <param name="Reason">For people, where it did not succeed; at most 1,000 characters, and no file names.</param>
public sealed record FinishRestore(bool Succeeded, string? Reason);
