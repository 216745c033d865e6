using System.Text;
using NSec.Cryptography;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>Signatures (Ed25519) that prove who holds a machine's keys.</summary>
internal static class Proofs
{
    /// <summary>In bytes.</summary>
    public const int SignatureSize = 64;

    /// <summary>Whether this key signed this text.</summary>
    public static bool Holds(byte[] publicKey, string text, byte[] signature) =>
        PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var key) && key is not null
        && SignatureAlgorithm.Ed25519.Verify(key, Encoding.UTF8.GetBytes(text), signature);
}
