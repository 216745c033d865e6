using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using BackupPlatform.Engine.Tests.Catalog;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Golden;

/// <summary>
/// Format version 1, pinned. All vectors: master key 00 01 … 1f, machine 01890a5d-ac96-774b-bcce-b302099a8057; noise is
/// SHA-256 of the block's number, 64-bit little-endian, block after block.
/// </summary>
public sealed class GoldenTests : IDisposable
{
    private readonly KeyRing _keys = TestKeys.Ring();

    public void Dispose() => _keys.Dispose();

    [Fact]
    public void DerivedKeys()
    {
        var gear = _keys.Gear.ToArray().SelectMany(BitConverter.GetBytes).ToArray();
        GoldenFile.Check("gear-table", gear);
        GoldenFile.Check("recovery-public-key", _keys.RecoveryPublicKey);
        GoldenFile.Check("recovery-signature", _keys.SignRecovery("challenge"u8));
        GoldenFile.Check("manifest-key", _keys.ManifestKey);
        GoldenFile.Check("catalog-boundary-seed", BitConverter.GetBytes(_keys.CatalogBoundarySeed));
    }

    [Fact]
    public void ChunkIds()
    {
        GoldenFile.Check("data-chunk-id", _keys.Identify(ChunkKind.Data, "abc"u8).ToByteArray());
        GoldenFile.Check("catalog-chunk-id", _keys.Identify(ChunkKind.Catalog, "abc"u8).ToByteArray());
        var key = new byte[32];
        _keys.DeriveChunkKey(ChunkKind.Data, _keys.Identify(ChunkKind.Data, "abc"u8), key);
        GoldenFile.Check("data-chunk-key", key);
    }

    [Fact]
    public void ChunkBoundaries()
    {
        var chunker = new ContentDefinedChunker(_keys);
        var rest = Noise(16 * 1024 * 1024).AsSpan();
        var lengths = new List<byte>();
        while (chunker.FindCut(rest, endOfData: true) is var length && length > 0)
        {
            // Big-endian, so that the file can be read by eye.
            var bytes = new byte[sizeof(uint)];
            BinaryPrimitives.WriteInt32BigEndian(bytes, length);
            lengths.AddRange(bytes);
            rest = rest[length..];
        }
        GoldenFile.Check("chunk-lengths", lengths.ToArray());
    }

    [Fact]
    public void SealedChunks()
    {
        using var sealer = new ChunkSealer(_keys);
        GoldenFile.Check("sealed-noise", Seal(sealer, Noise(100)));

        // What zstd makes of it may differ from release to release: this one must open, not come out again.
        var text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a line of a log\n", 100)));
        if (Environment.GetEnvironmentVariable("BACKUP_GOLDEN_DIR") is not null) GoldenFile.Check("sealed-text", Seal(sealer, text));
        else Assert.Equal(text, Open(sealer, sealer.Identify(ChunkKind.Data, text), GoldenFile.Read("sealed-text")));
    }

    [Fact]
    public void KeyHeaders()
    {
        using var master = TestKeys.Master();
        var header = KeyHeader.Create(
            master, TestKeys.PassphraseText, TestKeys.MachineId, Noise(16), Noise(12), KeyHeader.MinMemoryKiB, KeyHeader.MinPasses);
        GoldenFile.Check("key-header", header.ToArray());
    }

    [Fact]
    public async Task CatalogPages()
    {
        var store = new PageStore();
        var chunk = _keys.Identify(ChunkKind.Data, "abc"u8);
        var root = await store.WriteAsync(_keys,
        [
            new CatalogEntry { Path = CatalogPath.FromText("home"), Kind = CatalogEntryKind.Directory, Mode = 0x1ed, ModifiedNanoseconds = -1 },
            new CatalogEntry
            {
                Path = CatalogPath.FromText("home/a"), Kind = CatalogEntryKind.File, Mode = 0x1a4, UserId = 1000, GroupId = 100, Size = 300,
                ModifiedNanoseconds = 1_700_000_000_123_456_789, ChangedNanoseconds = 1_700_000_001_000_000_000, Inode = 123_456, Device = 2049,
                Extents = [new Extent(chunk, 0, 200), new Extent(chunk, 1_000_000, 100)],
            },
            new CatalogEntry { Path = CatalogPath.FromText("home/b"), Kind = CatalogEntryKind.SymbolicLink, LinkTarget = "a"u8.ToArray() },
            new CatalogEntry { Path = CatalogPath.FromText("home-2"), Kind = CatalogEntryKind.File, Size = 9, Incomplete = true },
        ]);
        GoldenFile.Check("catalog-leaf", store.Pages[Assert.Single(store.Emitted)]);
        GoldenFile.Check("catalog-leaf-id", root.PageId.ToByteArray());
    }

    [Fact]
    public async Task CatalogEntriesWithOptionalFields()
    {
        var store = new PageStore();
        var chunk = _keys.Identify(ChunkKind.Data, "abc"u8);
        var attributes = ExtendedAttributes.Encode(
        [
            new AttributeValue("user.comment"u8.ToArray(), "hello"u8.ToArray()),
            new AttributeValue("security.capability"u8.ToArray(), Noise(20)),
        ]);
        var name = CatalogPath.FromText("a");
        var file = new CatalogEntry
        {
            Path = name, Kind = CatalogEntryKind.File, Mode = 0x9ed, Size = 10_000_000_000, HasHoles = true,
            Extents = [Extent.OfHole(4096), new Extent(chunk, 7, 300), Extent.OfHole(10_000_000_000 - 4396)],
            HardLink = new HardLink(3, name), Attributes = attributes,
        };
        await store.WriteAsync(_keys,
        [
            file,
            file with { Path = CatalogPath.FromText("b") },
            new CatalogEntry
            {
                Path = CatalogPath.FromText("c"), Kind = CatalogEntryKind.Directory, AttributeExtents = [new Extent(chunk, 0, 2000)],
                ModifiedNanoseconds = long.MaxValue, ModifiedFar = new FarTime(20_000_000_000, 999_999_999),
            },
            new CatalogEntry { Path = CatalogPath.FromText("d"), Kind = CatalogEntryKind.Fifo, Mode = 0x180 },
            new CatalogEntry { Path = CatalogPath.FromText("e"), Kind = CatalogEntryKind.CharacterDevice, DeviceNumber = (1UL << 32) | 3 },
            new CatalogEntry { Path = CatalogPath.FromText("f"), Kind = CatalogEntryKind.BlockDevice, DeviceNumber = (8UL << 32) | 17 },
        ]);
        GoldenFile.Check("catalog-optional", store.Pages[Assert.Single(store.Emitted)]);
    }

    [Fact]
    public async Task CatalogTrees()
    {
        var store = new PageStore();
        var extents = Enumerable.Range(0, 3000).Select(i => new Extent(_keys.Identify(ChunkKind.Data, BitConverter.GetBytes(i)), i, i + 1)).ToArray();
        var entries = Enumerable.Range(0, 5000).Select(i => new CatalogEntry
        {
            Path = CatalogPath.FromText($"d/{i:D6}"), Kind = CatalogEntryKind.File, Inode = (ulong)i,
        }).ToList();
        entries[2500] = entries[2500] with { Extents = [.. extents], Size = extents.Sum(e => e.Length) };
        var root = await store.WriteAsync(_keys, entries);
        Assert.Equal(1, root.Height);
        GoldenFile.Check("catalog-tree", [.. store.Emitted.SelectMany(id => id.ToByteArray())]);
        GoldenFile.Check("catalog-root", store.Pages[root.PageId]);
    }

    [Fact]
    public void Manifests()
    {
        var manifest = new Manifest
        {
            MachineId = TestKeys.MachineId, Item = "files", Sequence = 7, CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123),
            PreviousHash = Noise(32), Root = new CatalogRoot(_keys.Identify(ChunkKind.Catalog, "abc"u8), 2, 100_000),
            Sources = [CatalogPath.FromText("home/ann"), CatalogPath.FromText("srv")], FilesTotal = 90_000, BytesTotal = 12_345_678_901,
            EntriesIncomplete = 2, AgentVersion = "1.0.0", HostName = "ann",
        };
        var bytes = manifest.Seal(_keys, Noise(12));
        GoldenFile.Check("manifest", bytes);
        GoldenFile.Check("manifest-hash", Manifest.Hash(bytes));
    }

    [Fact]
    public void Segments()
    {
        var writer = new SegmentWriter();
        Assert.True(writer.TryAppend(_keys.Identify(ChunkKind.Data, "abc"u8), "sealed bytes"u8));
        Assert.True(writer.TryAppend(_keys.Identify(ChunkKind.Catalog, "abc"u8), Noise(300)));
        GoldenFile.Check("segment", writer.Written.Span);
    }

    [Fact]
    public async Task SealDeltas()
    {
        var ids = Enumerable.Range(0, 5).Select(i => _keys.Identify(ChunkKind.Data, [(byte)i])).Order().ToArray();
        var set = default(ChunkSetHash);
        foreach (var id in ids) set.Add(id);
        var stream = new MemoryStream();
        var writer = await SealDeltaWriter.CreateAsync(stream, new SealDeltaHeader(6, 7, ids.Length, set, "sealed manifest"u8.ToArray()));
        foreach (var id in ids[..3]) await writer.AddAsync(id);
        foreach (var id in ids[3..]) await writer.DropAsync(id);
        await writer.CompleteAsync();
        GoldenFile.Check("seal-delta", stream.ToArray());
    }

    private static byte[] Noise(int length)
    {
        var noise = new byte[(length + 31) / 32 * 32];
        for (var i = 0; i < noise.Length / 32; i++) SHA256.HashData(BitConverter.GetBytes((ulong)i), noise.AsSpan(i * 32));
        return noise[..length];
    }

    private static byte[] Seal(ChunkSealer sealer, byte[] plaintext)
    {
        var destination = new byte[plaintext.Length + ChunkSealer.Overhead];
        return destination[..sealer.Seal(ChunkKind.Data, sealer.Identify(ChunkKind.Data, plaintext), plaintext, destination, Noise(12))];
    }

    private static byte[] Open(ChunkSealer sealer, ChunkId id, byte[] sealedChunk)
    {
        var destination = new byte[ChunkSealer.MaxPlainLength];
        return destination[..sealer.Open(ChunkKind.Data, id, sealedChunk, destination)];
    }
}
