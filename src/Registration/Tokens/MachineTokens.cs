using System.Globalization;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.ServiceDefaults.Identity;

namespace BackupPlatform.RegistrationService.Tokens;

/// <summary>Signs the tokens of machines and of those who recover them.</summary>
internal sealed class MachineTokens(TokenSigner signer, AgentEndpoints endpoints, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    /// <summary>A token that speaks as the machine.</summary>
    public MachineToken ForMachine(Machine machine)
    {
        var claims = Claims(machine);
        claims[TokenKinds.Generation] = Text(machine.Generation);
        return Sign(claims, clock.GetUtcNow() + Lifetime);
    }

    /// <summary>A token that reads the machine's recovery points.</summary>
    /// <param name="sessionStart">To the second.</param>
    /// <param name="sessionEnd">No token outlives it.</param>
    public MachineToken ForRecovery(Machine machine, VaultCredentialsFile credentials, DateTimeOffset sessionStart, DateTimeOffset sessionEnd)
    {
        var claims = Claims(machine);
        claims[TokenKinds.Recovery] = credentials.CredentialsId.ToString("D");
        claims[TokenKinds.Session] = Text(sessionStart.ToUnixTimeSeconds());
        claims[TokenKinds.CredentialsExpire] = Text(credentials.ExpiresAt.ToUnixTimeSeconds());
        var expires = clock.GetUtcNow() + Lifetime;
        return Sign(claims, expires < sessionEnd ? expires : sessionEnd);
    }

    private static Dictionary<string, object> Claims(Machine machine) => new()
    {
        [TokenKinds.Machine] = machine.Id.ToString("D"),
        [TokenKinds.Vault] = machine.VaultId.ToString("D"),
        [TokenKinds.Subscription] = machine.SubscriptionId.ToString("D"),
    };

    private MachineToken Sign(Dictionary<string, object> claims, DateTimeOffset expires)
    {
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(expires.ToUnixTimeSeconds());
        return new MachineToken(signer.Sign(TokenKinds.ApiAudience, claims, expiresAt), expiresAt, endpoints);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
