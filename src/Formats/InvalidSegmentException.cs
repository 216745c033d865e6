namespace BackupPlatform.Formats;

/// <summary>Bytes that should be a segment, or a run of frames, and are not; the message says where and why.</summary>
public sealed class InvalidSegmentException(string message) : FormatException(message);

/// <summary>Bytes that should be a seal delta and are not; the message says where and why.</summary>
public sealed class InvalidSealDeltaException(string message) : FormatException(message);
