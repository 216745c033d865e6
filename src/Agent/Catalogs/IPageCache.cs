using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>Catalog pages that need not be fetched: what is not there any more is fetched again.</summary>
internal interface IPageCache
{
    bool Contains(ChunkId id);

    /// <summary>The page; null where it is not there as it was written.</summary>
    byte[]? TryRead(ChunkId id);

    void Write(ChunkId id, ReadOnlySpan<byte> page);
}
