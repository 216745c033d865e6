using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>The platform's signed tokens: who issues them, whom they are for, and the names of their claims.</summary>
public static class TokenKinds
{
    /// <summary>Issuer of operators' and credentials' tokens: the vault service.</summary>
    public const string VaultIssuer = "backup-platform/vault";

    /// <summary>Issuer of machines' tokens: the registration service.</summary>
    public const string RegistrationIssuer = "backup-platform/registration";

    /// <summary>Audience of a token that opens the APIs.</summary>
    public const string ApiAudience = "backup-platform/api";

    /// <summary>Audience of the token inside a vault credentials file; it opens registration alone.</summary>
    public const string CredentialsAudience = "backup-platform/credentials";

    /// <summary>Claim: id of the subscription.</summary>
    public const string Subscription = "subscription";

    /// <summary>Claim: id of the vault.</summary>
    public const string Vault = "vault";

    /// <summary>Claim: id of the machine.</summary>
    public const string Machine = "machine";

    internal static Caller? Read(JsonWebToken token) => token.Issuer switch
    {
        VaultIssuer when Id(token, Subscription) is { } subscription => new Caller.SubscriptionOperator(subscription),
        RegistrationIssuer when Id(token, Machine) is { } machine && Id(token, Vault) is { } vault
            && Id(token, Subscription) is { } subscription => new Caller.Machine(machine, vault, subscription),
        _ => null,
    };

    private static Guid? Id(JsonWebToken token, string name) =>
        token.TryGetClaim(name, out Claim? claim) && Guid.TryParseExact(claim.Value, "D", out var id) ? id : null;
}
