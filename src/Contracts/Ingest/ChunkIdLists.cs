namespace BackupPlatform.Contracts.Ingest;

/// <summary>Bodies that are a bare run of 32-byte chunk ids.</summary>
public static class ChunkIdLists
{
    /// <summary>Media type of a run of chunk ids, in requests and in a seal's answer that names missing chunks (status 409).</summary>
    public const string MediaType = "application/vnd.backup-platform.chunk-ids";

    /// <summary>The most ids in one question for missing chunks.</summary>
    public const int MaxQuestion = 8_192;

    /// <summary>The most chunks that one small read answers.</summary>
    public const int MaxRead = 1_024;

    /// <summary>Media type of a seal delta.</summary>
    public const string SealMediaType = "application/vnd.backup-platform.seal";

    /// <summary>Media type of segments and runs of frames.</summary>
    public const string FramesMediaType = "application/vnd.backup-platform.frames";
}
