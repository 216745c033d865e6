using System.Buffers.Binary;
using System.Security.Cryptography;
using BackupPlatform.Formats;
using NSec.Cryptography;

namespace BackupPlatform.Engine;

/// <summary>What a chunk holds. Each kind has keys of its own, so that one can never stand for another.</summary>
public enum ChunkKind
{
    /// <summary>Contents of files and streams.</summary>
    Data = 1,

    /// <summary>Pages of a catalog.</summary>
    Catalog = 2,
}

/// <summary>
/// Every key that derives from a machine's master key, and the machine's id that they are used with. Safe for several
/// threads at once; overwritten on disposal.
/// </summary>
public sealed class KeyRing : IDisposable
{
    private const int KeySize = 32;
    private const int GearEntries = 256;

    private readonly byte[] _dataId, _catalogId, _dataSeal, _catalogSeal, _manifest;
    private readonly ulong[] _gear = GC.AllocateUninitializedArray<ulong>(GearEntries, pinned: true);
    private readonly Key _recovery;

    /// <summary>Derives all keys.</summary>
    public KeyRing(MasterKey masterKey, Guid machineId)
    {
        MachineId = machineId;
        _dataId = Derive(masterKey, "data chunk ids"u8, KeySize);
        _catalogId = Derive(masterKey, "catalog chunk ids"u8, KeySize);
        _dataSeal = Derive(masterKey, "data chunk sealing"u8, KeySize);
        _catalogSeal = Derive(masterKey, "catalog chunk sealing"u8, KeySize);
        _manifest = Derive(masterKey, "manifest sealing"u8, KeySize);
        CatalogBoundarySeed = BinaryPrimitives.ReadUInt64LittleEndian(Derive(masterKey, "catalog page boundaries"u8, sizeof(ulong)));
        var gear = Derive(masterKey, "chunk boundaries"u8, GearEntries * sizeof(ulong));
        for (var i = 0; i < GearEntries; i++) _gear[i] = BinaryPrimitives.ReadUInt64LittleEndian(gear.AsSpan(i * sizeof(ulong)));
        var seed = Derive(masterKey, "recovery signing"u8, KeySize);
        _recovery = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        CryptographicOperations.ZeroMemory(gear);
        CryptographicOperations.ZeroMemory(seed);
    }

    /// <summary>The protected machine whose keys these are.</summary>
    public Guid MachineId { get; }

    /// <summary>The Ed25519 public key, 32 bytes, that the server knows from registration on.</summary>
    public byte[] RecoveryPublicKey => _recovery.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    internal ulong CatalogBoundarySeed { get; private set; }

    /// <summary>The chunker's table: one random word for each byte value.</summary>
    internal ReadOnlySpan<ulong> Gear => _gear;

    internal ReadOnlySpan<byte> ManifestKey => _manifest;

    /// <summary>Signs a recovery challenge: proves, without showing it, that the passphrase was known. 64 bytes.</summary>
    public byte[] SignRecovery(ReadOnlySpan<byte> message) => SignatureAlgorithm.Ed25519.Sign(_recovery, message);

    /// <summary>The id of a chunk: HMAC-SHA256 of its plaintext under the id key of its kind.</summary>
    public ChunkId Identify(ChunkKind kind, ReadOnlySpan<byte> plaintext)
    {
        Span<byte> hash = stackalloc byte[ChunkId.Size];
        HMACSHA256.HashData(kind == ChunkKind.Data ? _dataId : _catalogId, plaintext, hash);
        return new ChunkId(hash);
    }

    /// <summary>The key that a chunk of this kind and id is encrypted with.</summary>
    internal void DeriveChunkKey(ChunkKind kind, ChunkId id, Span<byte> key)
    {
        var label = "backup-platform chunk key v1"u8;
        Span<byte> info = stackalloc byte[label.Length + ChunkId.Size];
        label.CopyTo(info);
        id.CopyTo(info[label.Length..]);
        HKDF.Expand(HashAlgorithmName.SHA256, kind == ChunkKind.Data ? _dataSeal : _catalogSeal, key, info);
    }

    public void Dispose()
    {
        foreach (var key in (ReadOnlySpan<byte[]>)[_dataId, _catalogId, _dataSeal, _catalogSeal, _manifest])
        {
            CryptographicOperations.ZeroMemory(key);
        }
        Array.Clear(_gear);
        CatalogBoundarySeed = 0;
        _recovery.Dispose();
    }

    private static byte[] Derive(MasterKey masterKey, ReadOnlySpan<byte> use, int length)
    {
        var label = "backup-platform v1: "u8;
        Span<byte> info = stackalloc byte[label.Length + use.Length];
        label.CopyTo(info);
        use.CopyTo(info[label.Length..]);
        var key = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey.Bytes, key, salt: [], info);
        return key;
    }
}
