using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Formats;

public sealed class SegmentTests
{
    [Fact]
    public void GivenASegment_WhenItPassesInPiecesOfAnySize_ThenEveryFrameIsFound()
    {
        var random = Randomness.Create();
        var (segment, frames, _) = RandomSegment(random, 40);
        foreach (var most in new[] { 1, 7, 44, 60, 1000, segment.Length })
        {
            var scanner = new SegmentScanner();
            for (var at = 0; at < segment.Length;)
            {
                var take = Math.Min(random.Next(1, most + 1), segment.Length - at);
                scanner.Push(segment.AsSpan(at, take));
                at += take;
            }
            Assert.True(scanner.Complete());
            Assert.Equal(frames, scanner.Frames);
            Assert.Equal(segment.Length, scanner.Length);
        }
    }

    [Fact]
    public async Task GivenTheFramesOfASegment_WhenReadFromAStream_ThenEachComesWithItsBytes()
    {
        var (segment, frames, payloads) = RandomSegment(Randomness.Create(), 30);
        var reader = new FrameReader(new MemoryStream(segment[SegmentFormat.HeaderSize..]));
        for (var i = 0; i < frames.Count; i++)
        {
            Assert.True(await reader.ReadAsync());
            Assert.Equal(frames[i].Id, reader.Current.Id);
            Assert.Equal(payloads[i], reader.Payload.ToArray());
        }
        Assert.False(await reader.ReadAsync());
    }

    [Fact]
    public void GivenASegmentWithOneByteChanged_WhenScanned_ThenRefusedOrTheIdIsAnother()
    {
        var (segment, frames, _) = RandomSegment(Randomness.Create(), 3, maxLength: 40);
        for (var at = 0; at < segment.Length; at++)
        {
            segment[at] ^= 0x10;
            // The checksum covers the sealed chunk; the id is bound by its AEAD, which the server cannot check.
            var inId = frames.Any(f => at >= f.Offset && at < f.Offset + ChunkId.Size);
            Assert.Equal(inId, Accepts(segment, out var found) && found.Count == frames.Count);
            Assert.NotEqual(frames, found);
            segment[at] ^= 0x10;
        }
    }

    [Fact]
    public async Task GivenASegmentCutAnywhere_WhenRead_ThenOnlyFrameBoundariesAreAnEnd()
    {
        var (segment, frames, _) = RandomSegment(Randomness.Create(), 4, maxLength: 50);
        var ends = frames.Select(f => f.Offset + f.Length).Append(SegmentFormat.HeaderSize).ToHashSet();
        for (var length = 0; length < segment.Length; length++)
        {
            var scanner = new SegmentScanner();
            scanner.Push(segment.AsSpan(0, length));
            Assert.Equal(ends.Contains(length), scanner.Complete());
            if (length < SegmentFormat.HeaderSize) continue;
            var reader = new FrameReader(new MemoryStream(segment, SegmentFormat.HeaderSize, length - SegmentFormat.HeaderSize));
            var whole = true;
            try
            {
                while (await reader.ReadAsync()) { }
            }
            catch (InvalidSegmentException)
            {
                whole = false;
            }
            Assert.Equal(ends.Contains(length), whole);
        }
    }

    [Fact]
    public void GivenRandomBytes_WhenScanned_ThenNothingButARefusalComes()
    {
        var random = Randomness.Create();
        for (var i = 0; i < 2000; i++)
        {
            var bytes = random.Bytes(random.Next(200));
            if (bytes.Length >= SegmentFormat.HeaderSize && random.Next(4) > 0) SegmentFormat.WriteHeader(bytes);
            if (Accepts(bytes, out var frames)) Assert.Empty(frames);
        }
    }

    [Fact]
    public void GivenAFullSegment_WhenMoreIsAppended_ThenItSaysSoAndTheSegmentIsWhole()
    {
        var random = Randomness.Create();
        var writer = new SegmentWriter();
        var chunk = random.Bytes(SegmentFormat.MaxSealedChunkBytes);
        while (writer.TryAppend(random.ChunkId(), chunk)) { }
        Assert.Equal(15, writer.Count);
        Assert.True(writer.TryAppend(random.ChunkId(), chunk.AsSpan(0, 1000)));
        Assert.InRange(writer.Written.Length, 15 * chunk.Length, SegmentFormat.MaxSegmentBytes);
        Assert.True(Accepts(writer.Written.Span, out var frames));
        Assert.Equal(16, frames.Count);
        writer.Reset();
        Assert.Equal(SegmentFormat.HeaderSize, writer.Written.Length);
    }

    [Fact]
    public void GivenTinyChunks_WhenTheFrameLimitIsReached_ThenTheWriterStopsWhereTheScannerWould()
    {
        var writer = new SegmentWriter();
        var random = Randomness.Create();
        while (writer.TryAppend(random.ChunkId(), [1])) { }
        Assert.Equal(SegmentFormat.MaxFrames, writer.Count);
        Assert.True(Accepts(writer.Written.Span, out _));
        var longer = new byte[writer.Written.Length + 45];
        writer.Written.CopyTo(longer);
        FrameHeader.Of(random.ChunkId(), [1]).Write(longer.AsSpan(writer.Written.Length));
        longer[^1] = 1;
        Assert.False(Accepts(longer, out _));
    }

    [Fact]
    public void GivenReservedSpace_WhenCommitted_ThenItIsAFrame()
    {
        var writer = new SegmentWriter();
        var id = Randomness.Create().ChunkId();
        Assert.True(writer.TryReserve(SegmentFormat.MaxSealedChunkBytes, out var space));
        "sealed"u8.CopyTo(space);
        writer.Commit(id, 6);
        Assert.True(Accepts(writer.Written.Span, out var frames));
        Assert.Equal([new SegmentFrame(id, SegmentFormat.HeaderSize, SegmentFormat.FrameHeaderSize + 6)], frames);
    }

    private static bool Accepts(ReadOnlySpan<byte> segment, out IReadOnlyList<SegmentFrame> frames)
    {
        var scanner = new SegmentScanner();
        frames = scanner.Frames;
        try
        {
            scanner.Push(segment);
            return scanner.Complete();
        }
        catch (InvalidSegmentException)
        {
            return false;
        }
    }

    private static (byte[] Segment, List<SegmentFrame> Frames, List<byte[]> Payloads) RandomSegment(
        Random random, int count, int maxLength = 5000)
    {
        var writer = new SegmentWriter();
        var frames = new List<SegmentFrame>();
        var payloads = new List<byte[]>();
        for (var i = 0; i < count; i++)
        {
            var payload = random.Bytes(random.Next(1, maxLength));
            var id = random.ChunkId();
            frames.Add(new SegmentFrame(id, writer.Written.Length, SegmentFormat.FrameHeaderSize + payload.Length));
            payloads.Add(payload);
            Assert.True(writer.TryAppend(id, payload));
        }
        return (writer.Written.ToArray(), frames, payloads);
    }
}
