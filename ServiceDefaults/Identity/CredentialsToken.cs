using System.Globalization;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>The token inside a vault credentials file: its claims repeat every field, so that none can be altered.</summary>
public static class CredentialsToken
{
    private const string Credentials = "credentials";
    private const string VaultName = "vaultName";
    private const string Issued = "issued";
    private const string Expires = "expires";
    private const string Registration = "registration";
    private const string Purpose = "purpose";

    /// <summary>Makes the file's token and completes the file with it.</summary>
    public static VaultCredentialsFile Sign(TokenSigner signer, VaultCredentialsFile file) => file with
    {
        Token = signer.Sign(TokenKinds.CredentialsAudience, Claims(file), file.ExpiresAt),
    };

    /// <summary>Verifies a file as a machine shows it.</summary>
    /// <param name="evenExpired">Whether credentials hold that have expired and are otherwise good.</param>
    /// <returns>The credentials, or why they open nothing.</returns>
    public static async Task<(VaultCredentialsFile? File, Refusal? Refusal)> VerifyAsync(
        this TokenVerifier verifier, string xml, CancellationToken cancellationToken, bool evenExpired = false)
    {
        if (VaultCredentialsFile.TryParse(xml, out var reason) is not { } file)
        {
            return (null, Invalid($"This is no vault credentials file: {reason}."));
        }

        var (token, refusal) = await verifier.VerifyAsync(file.Token, TokenKinds.CredentialsAudience, cancellationToken);
        if (token is null)
        {
            return (null, refusal!.Code == ProblemCodes.Unavailable ? refusal : Invalid("The file was not signed by this platform."));
        }

        // A file without a purpose is for all: one whose token names a purpose has lost it.
        if (Claims(file).Any(stated => !token.TryGetClaim(stated.Key, out var claim) || claim.Value != (string)stated.Value)
            || (file.Purpose is null && token.TryGetClaim(Purpose, out _)))
        {
            return (null, Invalid("The file has been altered since it was downloaded."));
        }

        return refusal is null || evenExpired
            ? (file, null)
            : (null, new Refusal(ProblemCodes.CredentialsExpired, $"These vault credentials expired at {file.ExpiresAt:u}; download fresh ones."));
    }

    private static Refusal Invalid(string detail) =>
        new(ProblemCodes.CredentialsInvalid, detail + " Download fresh vault credentials and use them unchanged.");

    private static Dictionary<string, object> Claims(VaultCredentialsFile file)
    {
        var claims = new Dictionary<string, object>
        {
            [Credentials] = file.CredentialsId.ToString("D"),
            [TokenKinds.Subscription] = file.SubscriptionId.ToString("D"),
            [TokenKinds.Vault] = file.VaultId.ToString("D"),
            [VaultName] = file.VaultName,
            [Issued] = file.IssuedAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            [Expires] = file.ExpiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            [Registration] = file.RegistrationEndpoint.ToString(),
        };
        if (file.Purpose is { } purpose)
        {
            claims[Purpose] = purpose.ToString();
        }

        return claims;
    }
}
