using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Engine.Tests;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Fuzz;

/// <summary>Every parser that reads bytes which somebody else may have made.</summary>
/// <remarks>Checksums and authentication are made good again after each change: what lies behind them is what is tried.</remarks>
public sealed class ParserTests : IDisposable
{
    private readonly KeyRing keys = TestKeys.Ring();

    public void Dispose() => keys.Dispose();

    [Fact]
    public async Task CatalogPages()
    {
        var fuzzer = new Fuzzer("A catalog page", typeof(DamagedDataException), typeof(UnsupportedFormatException));

        fuzzer.Run(await Vectors.PagesAsync(keys), bytes =>
        {
            var page = CatalogPage.Parse(default, bytes);
            Assert.True(page.Count <= bytes.Length);
            return (page.Height, page.Count, page.Entries > page.Count);
        });
    }

    [Fact]
    public void Manifests()
    {
        var sealedManifest = Vectors.Golden("manifest");
        var fuzzer = new Fuzzer("A manifest", typeof(DamagedDataException), typeof(UnsupportedFormatException));

        fuzzer.Run([Body(sealedManifest, keys.ManifestKey.ToArray(), ManifestAad)], body =>
        {
            var manifest = Manifest.Open(keys, "files", ManifestSequence, Sealed(sealedManifest[..ManifestHead], body, keys.ManifestKey.ToArray(), ManifestAad));
            return (manifest.Sources.Length, manifest.PreviousHash.Length, manifest.Root.Height);
        });
    }

    [Fact]
    public void SealedChunks()
    {
        var (id, text) = TextChunk();
        var key = new byte[32];
        keys.DeriveChunkKey(ChunkKind.Data, id, key);
        using var sealer = new ChunkSealer(keys);
        var room = new byte[ChunkSealer.MaxPlainLength];
        var fuzzer = new Fuzzer("A sealed chunk", typeof(DamagedDataException), typeof(UnsupportedFormatException));

        fuzzer.Run([Body(text, key, ChunkAad(id))], body => sealer.Open(ChunkKind.Data, id, Sealed([], body, key, ChunkAad(id)), room));
    }

    [Fact]
    public void SealedChunksAsTheServerGivesThem()
    {
        var (id, text) = TextChunk();
        using var sealer = new ChunkSealer(keys);
        var room = new byte[ChunkSealer.MaxPlainLength];
        var fuzzer = new Fuzzer("A chunk of a stranger", typeof(DamagedDataException), typeof(UnsupportedFormatException));

        fuzzer.Run([text], bytes =>
        {
            var length = sealer.Open(ChunkKind.Data, id, bytes, room);
            Assert.True(bytes.AsSpan().SequenceEqual(text), "Other bytes than those sealed were taken for the chunk.");
            return length;
        });
    }

    [Fact]
    public void KeyHeaders() => new Fuzzer("A key header", typeof(DamagedDataException), typeof(UnsupportedFormatException)).Run(
        [Vectors.Golden("key-header")],
        bytes => KeyHeader.Parse(WithTrailingChecksum(bytes)).ToArray().Length);

    [Fact]
    public void Segments()
    {
        var fuzzer = new Fuzzer("A segment", typeof(InvalidSegmentException));

        fuzzer.Run([Vectors.Golden("segment")], bytes =>
        {
            var scanner = new SegmentScanner();
            // In two pieces, so that every state is entered from both sides.
            scanner.Push(bytes.AsSpan(0, bytes.Length / 3));
            scanner.Push(bytes.AsSpan(bytes.Length / 3));
            Assert.All(scanner.Frames, frame => Assert.InRange(frame.Offset + frame.Length, 1, bytes.Length));
            return (scanner.Frames.Count, scanner.Length == bytes.Length);
        });
    }

    [Fact]
    public void RunsOfFrames() => new Fuzzer("A run of frames", typeof(InvalidSegmentException)).Run(
        [Vectors.Golden("segment")[SegmentFormat.HeaderSize..]],
        bytes =>
        {
            var reader = new FrameReader(new MemoryStream(bytes));
            var frames = 0;
            while (Synchronously(reader.ReadAsync()))
            {
                Assert.Equal(SegmentFormat.Checksum(reader.Payload.Span), reader.Current.Checksum);
                frames++;
            }

            return frames;
        });

    [Fact]
    public void SealDeltas() => new Fuzzer("A seal delta", typeof(InvalidSealDeltaException)).Run(
        [Vectors.Golden("seal-delta")],
        bytes =>
        {
            var reader = Synchronously(SealDeltaReader.OpenAsync(new MemoryStream(WithTrailingChecksum(bytes))));
            while (Synchronously(reader.ReadAsync()) != SealDeltaBlock.End)
            {
            }

            return (reader.AddedCount, reader.DroppedCount);
        });

    [Fact]
    public void CredentialsFiles()
    {
        var file = new VaultCredentialsFile(
            Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "a vault", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch,
            new Uri("http://127.0.0.1:1"), "a.b.c").ToXml();
        var hostile = file.Replace("<VaultCredentials", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><VaultCredentials", StringComparison.Ordinal);
        Assert.Null(VaultCredentialsFile.TryParse(hostile, out _));

        new Fuzzer("A credentials file").Run([Encoding.UTF8.GetBytes(file)], bytes =>
        {
            var parsed = VaultCredentialsFile.TryParse(Encoding.UTF8.GetString(bytes), out var reason);
            Assert.True(parsed is null != reason is null);
            return reason is null ? parsed!.ToXml().Length : "!" + reason;
        });
    }

    private static (ChunkId Id, byte[] Sealed) TextChunk()
    {
        using var ring = TestKeys.Ring();
        using var sealer = new ChunkSealer(ring);
        var plain = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("the same line again\n", 50)));
        var id = ring.Identify(ChunkKind.Data, plain);
        var room = new byte[plain.Length + ChunkSealer.Overhead];
        return (id, room[..sealer.Seal(ChunkKind.Data, id, plain, room)]);
    }

    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int ManifestHead = 8;
    private const long ManifestSequence = 7;

    private static byte[] ManifestAad
    {
        get
        {
            var sequence = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(sequence, ManifestSequence);
            return [.. "backup-platform manifest v1"u8, .. TestKeys.MachineId.ToByteArray(bigEndian: true), .. sequence, .. "files"u8];
        }
    }

    private static byte[] ChunkAad(ChunkId id) =>
        [.. "backup-platform chunk v1"u8, (byte)ChunkKind.Data, .. TestKeys.MachineId.ToByteArray(bigEndian: true), .. id.ToByteArray()];

    private static byte[] Body(byte[] sealedBytes, byte[] key, byte[] aad)
    {
        var head = aad.AsSpan().StartsWith("backup-platform manifest"u8) ? ManifestHead : 0;
        var rest = sealedBytes.AsSpan(head);
        var body = new byte[rest.Length - NonceSize - TagSize];
        using var aes = new AesGcm(key, TagSize);
        aes.Decrypt(rest[..NonceSize], rest[NonceSize..^TagSize], rest[^TagSize..], body, aad);
        return body;
    }

    private static byte[] Sealed(byte[] head, byte[] body, byte[] key, byte[] aad)
    {
        var result = new byte[head.Length + NonceSize + body.Length + TagSize];
        head.CopyTo(result, 0);
        using var aes = new AesGcm(key, TagSize);
        var rest = result.AsSpan(head.Length);
        aes.Encrypt(rest[..NonceSize], body, rest[NonceSize..^TagSize], rest[^TagSize..], aad);
        return result;
    }

    // Key headers and seal deltas end with the XXH3-64 of all before.
    private static byte[] WithTrailingChecksum(byte[] bytes)
    {
        if (bytes.Length < sizeof(ulong)) return bytes;
        byte[] result = [.. bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(result.AsSpan(result.Length - sizeof(ulong)), XxHash3.HashToUInt64(result.AsSpan(0, result.Length - sizeof(ulong))));
        return result;
    }

    /// <summary>Over memory every read ends at once; so the allocations are counted on the thread that asks.</summary>
    private static T Synchronously<T>(ValueTask<T> read) => read.IsCompleted ? read.GetAwaiter().GetResult() : throw new InvalidOperationException("It waits.");
}
