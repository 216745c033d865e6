namespace BackupPlatform.Platform.Identity;

/// <summary>A service's private signing key as its database keeps it: wrapped, so that a stolen database forges nothing.</summary>
/// <param name="Id">The issuer.</param>
/// <param name="Wrapped">nonce (12) | AES-256-GCM ciphertext of the PKCS#8 key | tag (16), the issuer as associated data.</param>
internal sealed record SigningKey(string Id, byte[] Wrapped);
