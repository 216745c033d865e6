using System.IO.Pipelines;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Formats;

public sealed class SealDeltaTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(SealDelta.MaxBlockIds, SealDelta.MaxBlockIds)]
    [InlineData(3 * SealDelta.MaxBlockIds + 1, 2 * SealDelta.MaxBlockIds - 1)]
    public async Task GivenADelta_WhenWrittenAndRead_ThenItIsTheSame(int added, int dropped)
    {
        var random = Randomness.Create();
        var ids = Ascending(random, added + dropped);
        var header = Header(random, added + 5);
        var bytes = await WriteAsync(header, ids[..added], ids[added..]);

        var (read, readAdded, readDropped) = await ReadAsync(PipeReader.Create(new MemoryStream(bytes)).AsStream());

        Assert.Equal(header.SealedManifest.ToArray(), read.SealedManifest.ToArray());
        Assert.Equal(header with { SealedManifest = default }, read with { SealedManifest = default });
        Assert.Equal(ids[..added], readAdded);
        Assert.Equal(ids[added..], readDropped);
    }

    [Fact]
    public async Task GivenADeltaWithOneByteChanged_WhenRead_ThenRefused()
    {
        var bytes = await SmallDeltaAsync();
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 0x04;
            await Assert.ThrowsAsync<InvalidSealDeltaException>(() => ReadAsync(new MemoryStream(bytes)));
            bytes[at] ^= 0x04;
        }
    }

    [Fact]
    public async Task GivenADeltaCutAnywhereOrContinued_WhenRead_ThenRefused()
    {
        var bytes = await SmallDeltaAsync();
        for (var length = 0; length < bytes.Length; length++)
        {
            await Assert.ThrowsAsync<InvalidSealDeltaException>(() => ReadAsync(new MemoryStream(bytes, 0, length)));
        }
        await Assert.ThrowsAsync<InvalidSealDeltaException>(() => ReadAsync(new MemoryStream([.. bytes, 0])));
    }

    [Fact]
    public async Task GivenIdsOutOfOrder_WhenWritten_ThenRefused()
    {
        var random = Randomness.Create();
        var ids = Ascending(random, 2);
        var writer = await SealDeltaWriter.CreateAsync(new MemoryStream(), Header(random, 2));
        await writer.AddAsync(ids[1]);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.AddAsync(ids[0]));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.AddAsync(ids[1]));
        await writer.DropAsync(ids[0]);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.AddAsync(ids[1]));
    }

    [Fact]
    public async Task GivenIdsOutOfOrderAcrossBlocksWithARightChecksum_WhenRead_ThenRefused()
    {
        // The writer refuses to make one, so the ids of a good delta are swapped and its checksum is made anew.
        var random = Randomness.Create();
        var ids = Ascending(random, SealDelta.MaxBlockIds + 1);
        var bytes = await WriteAsync(Header(random, ids.Length), ids, []);
        var lastId = bytes.AsSpan(bytes.Length - 8 - 5 - ChunkId.Size, ChunkId.Size);
        ids[0].CopyTo(lastId);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 8), SegmentFormat.Checksum(bytes.AsSpan(0, bytes.Length - 8)));
        var refusal = await Assert.ThrowsAsync<InvalidSealDeltaException>(() => ReadAsync(new MemoryStream(bytes)));
        Assert.Contains("ascend", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 1, 1)]
    [InlineData(-1, 1, 1, 1)]
    [InlineData(5, 5, 1, 1)]
    [InlineData(0, SealDelta.MaxSequence + 1, 1, 1)]
    [InlineData(0, 1, 0, 1)]
    [InlineData(0, 1, 1, 0)]
    [InlineData(0, 1, 1, SealDelta.MaxManifestBytes + 1)]
    public async Task GivenAFieldOutOfRange_WhenWritten_ThenRefused(long baseSequence, long sequence, long count, int manifestLength)
    {
        var header = new SealDeltaHeader(baseSequence, sequence, count, default, new byte[manifestLength]);
        await Assert.ThrowsAsync<ArgumentException>(async () => await SealDeltaWriter.CreateAsync(new MemoryStream(), header));
    }

    private static SealDeltaHeader Header(Random random, long count) =>
        new(6, 7, Math.Max(1, count), new ChunkSetHash(random.Bytes(32)), random.Bytes(300));

    private static ChunkId[] Ascending(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.ChunkId()).Order()];

    private static Task<byte[]> SmallDeltaAsync()
    {
        var random = Randomness.Create();
        var ids = Ascending(random, 5);
        return WriteAsync(Header(random, 4), ids[..3], ids[3..]);
    }

    private static async Task<byte[]> WriteAsync(SealDeltaHeader header, ChunkId[] added, ChunkId[] dropped)
    {
        var stream = new MemoryStream();
        var writer = await SealDeltaWriter.CreateAsync(stream, header);
        foreach (var id in added) await writer.AddAsync(id);
        foreach (var id in dropped) await writer.DropAsync(id);
        await writer.CompleteAsync();
        return stream.ToArray();
    }

    private static async Task<(SealDeltaHeader Header, List<ChunkId> Added, List<ChunkId> Dropped)> ReadAsync(Stream stream)
    {
        var reader = await SealDeltaReader.OpenAsync(stream);
        List<ChunkId> added = [], dropped = [];
        while (await reader.ReadAsync() is var kind && kind != SealDeltaBlock.End)
        {
            (kind == SealDeltaBlock.Added ? added : dropped).AddRange(reader.Ids.Span);
        }
        return (reader.Header, added, dropped);
    }
}
