using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace BackupPlatform.RegistrationService.Tokens;

/// <summary>Makes and recognizes nonces that a machine signs; nothing is stored, so any replica recognizes any nonce.</summary>
/// <remarks>
/// A nonce is expiry (Unix milliseconds, 8 bytes big-endian) | random (16) | HMAC-SHA256 (32) over the machine's id and both, in
/// base64url. It can be used again until it expires: that gives nothing to anyone but who has the machine's signature already.
/// </remarks>
/// <param name="secret">The service's signing secret; the nonces' key is derived from it.</param>
public sealed class Challenges(string secret, TimeProvider clock)
{
    /// <summary>How long a machine may take to answer.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private const int ExpirySize = sizeof(long);
    private const int RandomSize = 16;
    private const int BodySize = ExpirySize + RandomSize;
    private const int GuidSize = 16;
    private const int NonceSize = BodySize + HMACSHA256.HashSizeInBytes;

    private readonly byte[] key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.UTF8.GetBytes("backup-platform token challenge v1"));

    /// <summary>A new nonce for a machine, known or not.</summary>
    public (string Nonce, DateTimeOffset ExpiresAt) Make(Guid machineId)
    {
        var expires = DateTimeOffset.FromUnixTimeMilliseconds((clock.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        Span<byte> nonce = stackalloc byte[NonceSize];
        BinaryPrimitives.WriteInt64BigEndian(nonce, expires.ToUnixTimeMilliseconds());
        RandomNumberGenerator.Fill(nonce[ExpirySize..BodySize]);
        Authenticate(machineId, nonce[..BodySize], nonce[BodySize..]);
        return (Base64Url.EncodeToString(nonce), expires);
    }

    /// <summary>Whether this is a nonce made for this machine that has not expired.</summary>
    public bool Holds(Guid machineId, string nonce)
    {
        // The length first: what anybody sends must not size a buffer.
        Span<byte> bytes = stackalloc byte[NonceSize];
        if (nonce.Length != Base64Url.GetEncodedLength(NonceSize)
            || !Base64Url.IsValid(nonce) || !Base64Url.TryDecodeFromChars(nonce, bytes, out var read) || read != NonceSize)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Authenticate(machineId, bytes[..BodySize], expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes[BodySize..])
            && clock.GetUtcNow().ToUnixTimeMilliseconds() < BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private void Authenticate(Guid machineId, ReadOnlySpan<byte> body, Span<byte> tag)
    {
        Span<byte> text = stackalloc byte[GuidSize + BodySize];
        machineId.TryWriteBytes(text, bigEndian: true, out _);
        body.CopyTo(text[GuidSize..]);
        HMACSHA256.HashData(key, text, tag);
    }
}

internal static class ChallengesConfiguration
{
    private const string SecretKey = "Identity:SigningSecret";

    public static void AddChallenges(this IServiceCollection services, IConfiguration configuration)
    {
        var secret = configuration[SecretKey];
        if (string.IsNullOrEmpty(secret))
        {
            throw new InvalidOperationException($"{SecretKey} is not set; the application host gives it.");
        }

        services.AddSingleton(provider => new Challenges(secret, provider.GetRequiredService<TimeProvider>()));
    }
}
