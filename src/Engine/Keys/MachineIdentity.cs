using NSec.Cryptography;

namespace BackupPlatform.Engine;

/// <summary>
/// The Ed25519 key pair with which a protected machine proves who it is. It has nothing to do with the master key: it may
/// be lost, stolen or replaced without touching data.
/// </summary>
public sealed class MachineIdentity : IDisposable
{
    /// <summary>Bytes of an exported identity.</summary>
    public const int Size = 32;

    private readonly Key _key;

    private MachineIdentity(Key key) => _key = key;

    /// <summary>The public key, 32 bytes.</summary>
    public byte[] PublicKey => _key.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    public static MachineIdentity Generate() =>
        new(Key.Create(SignatureAlgorithm.Ed25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextArchiving }));

    /// <summary>Takes an identity from where the machine keeps it.</summary>
    /// <exception cref="DamagedDataException">The bytes are no private key.</exception>
    public static MachineIdentity Import(ReadOnlySpan<byte> bytes)
    {
        var parameters = new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextArchiving };
        return bytes.Length == Size && Key.TryImport(SignatureAlgorithm.Ed25519, bytes, KeyBlobFormat.RawPrivateKey, out var key, parameters)
            ? new MachineIdentity(key!)
            : throw new DamagedDataException("machine identity", "is no private key");
    }

    /// <summary>The private key, for the machine's own guarded storage.</summary>
    public byte[] Export() => _key.Export(KeyBlobFormat.RawPrivateKey);

    /// <summary>A signature of 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) => SignatureAlgorithm.Ed25519.Sign(_key, message);

    public void Dispose() => _key.Dispose();
}
