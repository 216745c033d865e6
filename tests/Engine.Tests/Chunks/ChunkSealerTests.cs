using System.Buffers.Binary;
using System.Security.Cryptography;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Chunks;

public sealed class ChunkSealerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    [InlineData(100_000)]
    [InlineData(ChunkSealer.MaxPlainLength)]
    public void GivenAnyData_WhenSealedAndOpened_ThenItIsTheSame(int length)
    {
        var random = Randomness.Create();
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        foreach (var plaintext in new[] { random.Bytes(length), new byte[length] })
        {
            foreach (var kind in new[] { ChunkKind.Data, ChunkKind.Catalog })
            {
                var (id, sealedChunk) = Seal(sealer, kind, plaintext);
                Assert.InRange(sealedChunk.Length, 1, Math.Min(plaintext.Length + ChunkSealer.Overhead, SegmentFormat.MaxSealedChunkBytes));
                Assert.Equal(plaintext, Open(sealer, kind, id, sealedChunk));
            }
        }
    }

    [Fact]
    public void GivenTextAndNoise_WhenSealed_ThenOnlyTheTextShrinks()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        var text = Enumerable.Repeat("a line of a log\n"u8.ToArray(), 1000).SelectMany(l => l).ToArray();
        Assert.InRange(Seal(sealer, ChunkKind.Data, text).Sealed.Length, 1, 1000);
        var noise = Randomness.Create().Bytes(10_000);
        Assert.Equal(noise.Length + ChunkSealer.Overhead, Seal(sealer, ChunkKind.Data, noise).Sealed.Length);
    }

    [Fact]
    public void GivenOneChunkSealedTwice_WhenCompared_ThenTheyShareNothingButTheLength()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        var one = Seal(sealer, ChunkKind.Data, "the same"u8).Sealed;
        var two = Seal(sealer, ChunkKind.Data, "the same"u8).Sealed;
        Assert.Equal(one.Length, two.Length);
        Assert.NotEqual(one[..12], two[..12]);
        Assert.NotEqual(one[12..], two[12..]);
    }

    [Fact]
    public void GivenASealedChunkWithOneByteChangedOrMissing_WhenOpened_ThenRefusedByName()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        var (id, bytes) = Seal(sealer, ChunkKind.Data, "some data, some data, some data"u8);
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 0x80;
            var refusal = Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Data, id, bytes));
            Assert.Equal($"chunk {id}", refusal.What);
            bytes[at] ^= 0x80;
        }
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Data, id, bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void GivenAChunkUnderAnotherIdKindOrMachine_WhenOpened_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        using var otherMachine = TestKeys.Ring(TestKeys.OtherMachineId);
        using var otherSealer = new ChunkSealer(otherMachine);
        using var otherMaster = MasterKey.Generate();
        using var otherKeys = new KeyRing(otherMaster, TestKeys.MachineId);
        using var strange = new ChunkSealer(otherKeys);
        var (id, bytes) = Seal(sealer, ChunkKind.Data, "data"u8);
        var (otherId, _) = Seal(sealer, ChunkKind.Data, "other data"u8);

        Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Data, otherId, bytes));
        Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Catalog, id, bytes));
        Assert.Throws<DamagedDataException>(() => Open(otherSealer, ChunkKind.Data, id, bytes));
        Assert.Throws<DamagedDataException>(() => Open(strange, ChunkKind.Data, id, bytes));
    }

    [Fact]
    public void GivenAChunkSealedUnderAnIdThatIsNotItsOwn_WhenOpened_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        var wrong = sealer.Identify(ChunkKind.Data, "what it claims"u8);
        var destination = new byte[1000];
        var length = sealer.Seal(ChunkKind.Data, wrong, "what it is"u8, destination);
        var refusal = Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Data, wrong, destination.AsSpan(0, length)));
        Assert.Contains("other data", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 5u, "abcd", typeof(DamagedDataException))] // longer than what is there
    [InlineData(0, 3u, "abcd", typeof(DamagedDataException))]
    [InlineData(0, 0u, "a", typeof(DamagedDataException))]
    [InlineData(0, uint.MaxValue, "abcd", typeof(DamagedDataException))]
    [InlineData(1, 4u, "abcd", typeof(DamagedDataException))] // no zstd frame
    [InlineData(2, 4u, "abcd", typeof(UnsupportedFormatException))]
    public void GivenAnAuthenticChunkWithAnImpossibleBody_WhenOpened_ThenRefused(int codec, uint length, string content, Type refusal)
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        var id = sealer.Identify(ChunkKind.Data, "abcd"u8);
        var bytes = Forge(keys, id, (byte)codec, length, System.Text.Encoding.ASCII.GetBytes(content));
        Assert.Throws(refusal, () => Open(sealer, ChunkKind.Data, id, bytes));
    }

    [Fact]
    public void GivenAZstdFrameThatHoldsFarMoreThanDeclared_WhenOpened_ThenRefusedWithoutInflatingIt()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        using var compressor = new ZstdNet.Compressor();
        var bomb = compressor.Wrap(new byte[64 * 1024 * 1024]);
        var id = sealer.Identify(ChunkKind.Data, new byte[1000]);
        foreach (var declared in new uint[] { 1000, ChunkSealer.MaxPlainLength })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<DamagedDataException>(() => Open(sealer, ChunkKind.Data, id, Forge(keys, id, 1, declared, bomb)));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * 1024 * 1024);
        }
    }

    [Fact]
    public void GivenAChunkTooLongOrEmpty_WhenSealed_ThenRefused()
    {
        using var keys = TestKeys.Ring();
        using var sealer = new ChunkSealer(keys);
        Assert.Throws<ArgumentOutOfRangeException>(() => Seal(sealer, ChunkKind.Data, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Seal(sealer, ChunkKind.Data, new byte[ChunkSealer.MaxPlainLength + 1]));
    }

    private static (ChunkId Id, byte[] Sealed) Seal(ChunkSealer sealer, ChunkKind kind, ReadOnlySpan<byte> plaintext)
    {
        var id = sealer.Identify(kind, plaintext);
        var destination = new byte[plaintext.Length + ChunkSealer.Overhead];
        return (id, destination[..sealer.Seal(kind, id, plaintext, destination)]);
    }

    private static byte[] Open(ChunkSealer sealer, ChunkKind kind, ChunkId id, ReadOnlySpan<byte> sealedChunk)
    {
        var destination = new byte[ChunkSealer.MaxPlainLength];
        return destination[..sealer.Open(kind, id, sealedChunk, destination)];
    }

    private static byte[] Forge(KeyRing keys, ChunkId id, byte codec, uint length, ReadOnlySpan<byte> content)
    {
        var body = new byte[5 + content.Length];
        body[0] = codec;
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(1), length);
        content.CopyTo(body.AsSpan(5));
        var key = new byte[32];
        keys.DeriveChunkKey(ChunkKind.Data, id, key);
        using var aes = new AesGcm(key, 16);
        var result = new byte[12 + body.Length + 16];
        byte[] aad = [.. "backup-platform chunk v1"u8, 1, .. keys.MachineId.ToByteArray(bigEndian: true), .. id.ToByteArray()];
        aes.Encrypt(result.AsSpan(0, 12), body, result.AsSpan(12, body.Length), result.AsSpan(12 + body.Length), aad);
        return result;
    }
}
