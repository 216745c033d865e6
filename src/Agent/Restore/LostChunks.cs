using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Restore;

/// <summary>Asks the vault which of a recovery point's chunks it does not have any more.</summary>
internal static class LostChunks
{
    public static async Task<HashSet<ChunkId>> FindAsync(
        IngestCalls ingest, Guid pointId, IEnumerable<ChunkId> ids, CancellationToken cancellation)
    {
        var lost = new HashSet<ChunkId>();
        foreach (var some in ids.Chunk(ChunkIdLists.MaxQuestion))
        {
            var missing = await ingest.FindMissingOfPointAsync(pointId, some, cancellation);
            for (var i = 0; i < some.Length; i++)
            {
                if (missing[i])
                {
                    lost.Add(some[i]);
                }
            }
        }

        return lost;
    }
}
