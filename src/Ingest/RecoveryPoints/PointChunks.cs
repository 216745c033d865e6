using BackupPlatform.Formats;
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

    /// <summary>How long the blobs of these places' packs are; a blob that is not there has no entry.</summary>
    public static async Task<Dictionary<Guid, long>> PackLengthsAsync(
        this IBlobStore blobs, PointRow point, IEnumerable<ChunkPlace> places, CancellationToken cancellationToken)
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
