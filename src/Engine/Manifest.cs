using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>
/// The first document of a recovery point: what it is, where its catalog begins, and which one came before it. It leaves
/// the machine sealed only.
/// </summary>
public sealed record Manifest
{
    /// <summary>A sealed manifest's greatest length in bytes.</summary>
    public const int MaxSealedLength = SealDelta.MaxManifestBytes;

    /// <summary>Bytes of an item's name at most.</summary>
    public const int MaxItemLength = 255;

    private const int MaxTextLength = 1024;
    private const int MaxSources = 4096;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int HashSize = 32;

    // The server sees the length; in steps it tells little about the names inside.
    private const int PaddingStep = 512;

    /// <summary>The protected machine; a reader takes it from its keys.</summary>
    public required Guid MachineId { get; init; }

    /// <summary>The item, such as <c>files</c>.</summary>
    public required string Item { get; init; }

    /// <summary>The point's number within its item, from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>When the backup began, by the machine's clock, in whole milliseconds, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>SHA-256 of the sealed manifest of the item's point before this one; empty for the first.</summary>
    public ReadOnlyMemory<byte> PreviousHash { get; init; }

    /// <summary>Where the catalog begins.</summary>
    public required CatalogRoot Root { get; init; }

    /// <summary>What was asked to be backed up.</summary>
    public ImmutableArray<CatalogPath> Sources { get; init; } = [];

    /// <summary>Files, of entries of all kinds.</summary>
    public long FilesTotal { get; init; }

    /// <summary>The files' lengths, added up.</summary>
    public long BytesTotal { get; init; }

    /// <summary>Entries that could not be read, or not as they were at one moment.</summary>
    public long EntriesIncomplete { get; init; }

    /// <summary>Version of the agent that wrote it.</summary>
    public string AgentVersion { get; init; } = "";

    /// <summary>The machine's own name at that time.</summary>
    public string HostName { get; init; } = "";

    private static ReadOnlySpan<byte> Magic => "BPMANIF\x01"u8;
    private static ReadOnlySpan<byte> Label => "backup-platform manifest v1"u8;

    /// <summary>SHA-256 of a sealed manifest, with which the next one names it.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> sealedManifest) => SHA256.HashData(sealedManifest);

    /// <summary>Encrypts the manifest and binds it to machine, item and sequence.</summary>
    /// <exception cref="ArgumentException">A field is out of its range, or all of it together too long.</exception>
    public byte[] Seal(KeyRing keys)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        RandomNumberGenerator.Fill(nonce);
        return Seal(keys, nonce);
    }

    /// <summary>With the nonce given, which is for tests.</summary>
    internal byte[] Seal(KeyRing keys, ReadOnlySpan<byte> nonce)
    {
        if (keys.MachineId != MachineId) throw new ArgumentException("The keys are another machine's.", nameof(keys));
        var body = Encode();
        var result = new byte[Magic.Length + NonceSize + body.Length + TagSize];
        if (result.Length > MaxSealedLength) throw new ArgumentException("The manifest is too long: it names too many sources.");
        Magic.CopyTo(result);
        nonce.CopyTo(result.AsSpan(Magic.Length));
        using var aes = new AesGcm(keys.ManifestKey, TagSize);
        var ciphertext = result.AsSpan(Magic.Length + NonceSize, body.Length);
        aes.Encrypt(nonce, body, ciphertext, result.AsSpan(result.Length - TagSize), Aad(MachineId, Item, Sequence));
        return result;
    }

    /// <summary>Decrypts the manifest of a machine's item and sequence number.</summary>
    /// <exception cref="DamagedDataException">It is not that manifest.</exception>
    /// <exception cref="UnsupportedFormatException">It is of a newer format.</exception>
    public static Manifest Open(KeyRing keys, string item, long sequence, ReadOnlySpan<byte> sealedManifest)
    {
        var what = $"manifest of recovery point {sequence} of item {item}";
        if (sealedManifest.Length < Magic.Length || !sealedManifest.StartsWith(Magic[..^1])) throw new DamagedDataException(what, "is no manifest");
        if (sealedManifest[Magic.Length - 1] is var version && version != Magic[^1])
        {
            throw new UnsupportedFormatException($"The {what} has format version {version}; this agent reads version 1.");
        }
        var bodyLength = sealedManifest.Length - Magic.Length - NonceSize - TagSize;
        if (bodyLength < 1 || sealedManifest.Length > MaxSealedLength) throw new DamagedDataException(what, "has an impossible length");
        var body = new byte[bodyLength];
        try
        {
            using var aes = new AesGcm(keys.ManifestKey, TagSize);
            var rest = sealedManifest[Magic.Length..];
            aes.Decrypt(rest[..NonceSize], rest[NonceSize..^TagSize], rest[^TagSize..], body, Aad(keys.MachineId, item, sequence));
        }
        catch (AuthenticationTagMismatchException mismatch)
        {
            throw new DamagedDataException(what, "does not decrypt", mismatch);
        }
        return Decode(body, what, keys.MachineId, item, sequence);
    }

    private byte[] Encode()
    {
        CheckRanges();
        var writer = new ByteWriter();
        writer.Int64(CreatedAt.ToUnixTimeMilliseconds());
        writer.Byte((byte)(PreviousHash.IsEmpty ? 0 : 1));
        writer.Bytes(PreviousHash.Span);
        Root.PageId.CopyTo(writer.Take(ChunkId.Size));
        writer.Byte((byte)Root.Height);
        writer.VarInt((ulong)Root.Entries);
        writer.VarInt((ulong)FilesTotal);
        writer.VarInt((ulong)BytesTotal);
        writer.VarInt((ulong)EntriesIncomplete);
        writer.VarInt((ulong)Sources.Length);
        foreach (var source in Sources) writer.Block(source.Span);
        writer.Block(Encoding.UTF8.GetBytes(AgentVersion));
        writer.Block(Encoding.UTF8.GetBytes(HostName));
        writer.VarInt(0); // No optional fields in version 1.
        writer.Take((PaddingStep - writer.Length % PaddingStep) % PaddingStep).Clear();
        return writer.Written.ToArray();
    }

    private static Manifest Decode(ReadOnlySpan<byte> body, string what, Guid machineId, string item, long sequence)
    {
        var reader = new ByteReader(body, what);
        var createdAt = reader.Int64();
        if (createdAt is < 0 or > 253_402_300_799_999) throw reader.Damaged("has an impossible time");
        var hasPrevious = reader.Byte();
        if (hasPrevious > 1) throw reader.Damaged("has an impossible previous hash");
        var manifest = new Manifest
        {
            MachineId = machineId,
            Item = item,
            Sequence = sequence,
            CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(createdAt),
            PreviousHash = hasPrevious == 1 ? reader.Bytes(HashSize).ToArray() : default,
            Root = new CatalogRoot(reader.ChunkId(), reader.Byte(), (long)reader.VarInt(long.MaxValue)),
            FilesTotal = (long)reader.VarInt(long.MaxValue),
            BytesTotal = (long)reader.VarInt(long.MaxValue),
            EntriesIncomplete = (long)reader.VarInt(long.MaxValue),
            Sources = DecodeSources(ref reader),
            AgentVersion = Encoding.UTF8.GetString(reader.Block(MaxTextLength)),
            HostName = Encoding.UTF8.GetString(reader.Block(MaxTextLength)),
        };
        reader.PassOverTags();
        if (reader.Bytes(reader.Left).ContainsAnyExcept((byte)0)) throw reader.Damaged("goes on after its end");
        return manifest;
    }

    private static ImmutableArray<CatalogPath> DecodeSources(ref ByteReader reader)
    {
        var count = reader.Int(Math.Min(MaxSources, reader.Left));
        var sources = ImmutableArray.CreateBuilder<CatalogPath>(count);
        for (var i = 0; i < count; i++)
        {
            var path = reader.Block(CatalogPath.MaxLength).ToArray();
            if (CatalogPath.Fault(path) is not null) throw reader.Damaged("names an impossible source");
            sources.Add(CatalogPath.Trusted(path));
        }
        return sources.MoveToImmutable();
    }

    private void CheckRanges()
    {
        var item = Encoding.UTF8.GetByteCount(Item);
        if (item is < 1 or > MaxItemLength) throw new ArgumentException($"An item's name has 1 to {MaxItemLength} bytes.");
        if (Sequence is < 1 or > SealDelta.MaxSequence) throw new ArgumentException("The sequence number is out of its range.");
        if (PreviousHash.Length is not (0 or HashSize)) throw new ArgumentException($"A hash has {HashSize} bytes.");
        if (CreatedAt.ToUnixTimeMilliseconds() < 0) throw new ArgumentException("The time lies before 1970.");
        if (Root.Height is < 0 or > CatalogPage.MaxHeight) throw new ArgumentException("The catalog has an impossible height.");
        if (Math.Min(Math.Min(FilesTotal, BytesTotal), Math.Min(EntriesIncomplete, Root.Entries)) < 0) throw new ArgumentException("A total is negative.");
        if (Sources.Length > MaxSources) throw new ArgumentException($"More than {MaxSources} sources.");
        if (Math.Max(Encoding.UTF8.GetByteCount(AgentVersion), Encoding.UTF8.GetByteCount(HostName)) > MaxTextLength)
        {
            throw new ArgumentException("The agent's version or the host's name is too long.");
        }
    }

    private static byte[] Aad(Guid machineId, string item, long sequence)
    {
        var writer = new ByteWriter();
        writer.Bytes(Label);
        machineId.TryWriteBytes(writer.Take(16), bigEndian: true, out _);
        writer.Int64(sequence);
        writer.Bytes(Encoding.UTF8.GetBytes(item));
        return writer.Written.ToArray();
    }
}
