using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>Signs tokens (ES256) as one issuer and publishes the public half of its key.</summary>
public sealed class TokenSigner
{
    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials credentials;
    private readonly string issuer;
    private readonly TimeProvider clock;

    /// <param name="key">P-256 with its private half; owned by the signer from now on.</param>
    public TokenSigner(string issuer, ECDsa key, TimeProvider clock)
    {
        this.issuer = issuer;
        this.clock = clock;
        var kid = Base64UrlEncoder.Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo()).AsSpan(0, 12).ToArray());
        credentials = new SigningCredentials(new ECDsaSecurityKey(key) { KeyId = kid }, SecurityAlgorithms.EcdsaSha256);
        PublicKeys = Publish(key, kid);
    }

    /// <summary>The document for <c>/.well-known/jwks.json</c> (RFC 7517).</summary>
    public string PublicKeys { get; }

    /// <param name="expires">Null: the token does not expire.</param>
    public string Sign(string audience, IDictionary<string, object> claims, DateTimeOffset? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = (expires ?? DateTimeOffset.UnixEpoch.AddYears(200)).UtcDateTime,
            Claims = claims,
            SigningCredentials = credentials,
        });
    }

    private static string Publish(ECDsa key, string kid)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $$"""
            {"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"{{kid}}","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}]}
            """;
    }
}
