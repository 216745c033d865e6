using BackupPlatform.Formats;
using BackupPlatform.IngestService.Chunks;
using BackupPlatform.IngestService.Data;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.RecoveryPoints;

/// <summary>Where a chunk's frame lies.</summary>
/// <param name="Offset">Bytes from the pack's beginning.</param>
/// <param name="Length">Bytes of the whole frame, its header counted.</param>
internal readonly record struct ChunkPlace(Guid PackId, long Offset, int Length)
{
    public long End => Offset + Length;
}

/// <summary>Finds the chunks of a recovery point.</summary>
internal static class PointChunks
{
    /// <summary>
    /// Joins that restrict <c>i.chunk</c> to the chunks of the point of machine $1, item $2, sequence $3, and find their places.
    /// </summary>
    public const string PlacesOfPoint = """
        join bulk.spans s on s.machine_id = $1 and s.chunk = i.chunk and s.item_id = $2
            and s.first_sequence <= $3 and (s.last_sequence is null or s.last_sequence >= $3)
        join bulk.chunk_index c on c.machine_id = $1 and c.chunk = i.chunk
        join bulk.packs p on p.id = c.pack_id and p.state = 1
        """;

    /// <summary>The places of those of these chunks that the point refers to and that are indexed.</summary>
    public static async Task<Dictionary<ChunkId, ChunkPlace>> FindPlacesAsync(
        this NpgsqlDataSource database, PointRow point, ChunkId[] ids, CancellationToken cancellationToken)
    {
        await using var command = database.Sql(
            $"select i.chunk, c.pack_id, c.pack_offset, c.length from unnest($4) as i (chunk) {PlacesOfPoint}",
            point.Document.MachineId, point.ItemId, point.Document.Sequence, Array.ConvertAll(ids, id => id.ToByteArray()));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var places = new Dictionary<ChunkId, ChunkPlace>(ids.Length);
        while (await reader.ReadAsync(cancellationToken))
        {
            places[new ChunkId(reader.GetFieldValue<byte[]>(0))] =
                new ChunkPlace(reader.GetGuid(1), reader.GetInt32(2), reader.GetInt32(3));
        }

        return places;
    }
}

/// <summary>Finds those chunks of a recovery point that are there: indexed, in a pack whose blob is long enough.</summary>
internal sealed class PresentChunks(NpgsqlDataSource database, IBlobStore blobs, LostPacks lost)
{
    /// <summary>The places of those of these chunks that are there. What was lost is noted on the way.</summary>
    public async Task<Dictionary<ChunkId, ChunkPlace>> FindAsync(PointRow point, ChunkId[] ids, CancellationToken cancellationToken)
    {
        var (vaultId, machineId) = (point.Document.VaultId, point.Document.MachineId);
        var places = await database.FindPlacesAsync(point, ids, cancellationToken);
        if (ids.Any(id => !places.ContainsKey(id)) && await lost.FindAgainAsync(vaultId, machineId, cancellationToken))
        {
            places = await database.FindPlacesAsync(point, ids, cancellationToken);
        }

        var lengths = await PackLengthsAsync(point, places.Values, cancellationToken);
        var present = places.Where(entry => lengths.TryGetValue(entry.Value.PackId, out var length) && entry.Value.End <= length)
            .ToDictionary();
        if (present.Count < places.Count)
        {
            await lost.InspectAsync(vaultId, machineId, cancellationToken);
        }

        return present;
    }

    /// <summary>How long the blobs of these places' packs are; a blob that is not there has no entry.</summary>
    private async Task<Dictionary<Guid, long>> PackLengthsAsync(
        PointRow point, IEnumerable<ChunkPlace> places, CancellationToken cancellationToken)
    {
        var lengths = new Dictionary<Guid, long>();
        foreach (var packId in places.Select(place => place.PackId).Distinct())
        {
            var name = BlobNames.Pack(point.Document.VaultId, point.Document.MachineId, packId);
            if (await blobs.GetLengthAsync(name, cancellationToken) is { } length)
            {
                lengths.Add(packId, length);
            }
        }

        return lengths;
    }
}
