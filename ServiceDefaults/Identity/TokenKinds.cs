using System.Globalization;
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

    /// <summary>Claim: generation of the machine's identity, a whole number; 1 where there is no such claim.</summary>
    public const string Generation = "generation";

    /// <summary>Claim of a recovery token, and of no other: id of the credentials that were shown.</summary>
    public const string Recovery = "recovery";

    /// <summary>Claim of a recovery token: when its session began, in Unix seconds.</summary>
    public const string Session = "session";

    /// <summary>Claim of a recovery token: when the credentials expire, in Unix seconds.</summary>
    public const string CredentialsExpire = "credentialsExpire";

    /// <summary>Who calls with a token that holds; null where its claims name nobody.</summary>
    public static Caller? Read(JsonWebToken token) => token.Issuer switch
    {
        VaultIssuer when Id(token, Subscription) is { } subscription => new Caller.SubscriptionOperator(subscription),
        RegistrationIssuer when Id(token, Machine) is { } machine && Id(token, Vault) is { } vault
            && Id(token, Subscription) is { } subscription => ReadMachine(token, machine, vault, subscription),
        _ => null,
    };

    /// <summary>An instant that a claim gives in Unix seconds.</summary>
    public static DateTimeOffset? Instant(JsonWebToken token, string name) =>
        Number(token, name) is { } seconds and >= 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    /// <remarks>A token that says anything of recovery is a recovery token or none: never a machine's.</remarks>
    private static Caller? ReadMachine(JsonWebToken token, Guid machine, Guid vault, Guid subscription)
    {
        if (token.TryGetClaim(Recovery, out _))
        {
            return Id(token, Recovery) is { } credentials && Instant(token, CredentialsExpire) is { } expire
                ? new Caller.Recovery(machine, vault, subscription, credentials, expire)
                : null;
        }

        var generation = token.TryGetClaim(Generation, out _) ? Number(token, Generation) : 1;
        return generation is >= 1 and <= int.MaxValue ? new Caller.Machine(machine, vault, subscription, (int)generation) : null;
    }

    private static Guid? Id(JsonWebToken token, string name) =>
        token.TryGetClaim(name, out Claim? claim) && Guid.TryParseExact(claim.Value, "D", out var id) ? id : null;

    private static long? Number(JsonWebToken token, string name) =>
        token.TryGetClaim(name, out Claim? claim) && long.TryParse(claim.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
