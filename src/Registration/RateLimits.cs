using System.Net;
using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.RegistrationService;

/// <summary>How often may be asked what can be guessed or flooded, a minute; as many may come at once. Each replica counts for itself.</summary>
/// <param name="PerAddress">Requests without a token, from one address: <c>Limits__UnprovenRequestsPerAddressPerMinute</c>.</param>
/// <param name="RegistrationsPerCredentials">With one credentials file: <c>Limits__RegistrationsPerCredentialsPerMinute</c>.</param>
/// <param name="RecoveriesPerMachine">
/// Challenges, tokens and replacements each, with one credentials file for one machine: <c>Limits__RecoveriesPerMachinePerMinute</c>.
/// </param>
/// <param name="TokensPerMachine">Challenges and tokens each: <c>Limits__TokensPerMachinePerMinute</c>.</param>
internal sealed record RequestRates(int PerAddress, int RegistrationsPerCredentials, int RecoveriesPerMachine, int TokensPerMachine)
{
    public static RequestRates Read(IConfiguration configuration) => new(
        configuration.GetValue("Limits:UnprovenRequestsPerAddressPerMinute", 3_000),
        configuration.GetValue("Limits:RegistrationsPerCredentialsPerMinute", 300),
        configuration.GetValue("Limits:RecoveriesPerMachinePerMinute", 300),
        configuration.GetValue("Limits:TokensPerMachinePerMinute", 600));
}

/// <summary>Refuses what is asked too often, before it costs anything.</summary>
internal sealed class RateLimits(RequestRates rates) : IDisposable
{
    private readonly RequestLimiter<IPAddress> addresses = new(rates.PerAddress, "Too many requests come from this address.");

    private readonly RequestLimiter<Guid> registrations = new(
        rates.RegistrationsPerCredentials, "Too many machines register with these credentials at once.");

    private readonly RequestLimiter<(string, Guid, Guid)> recoveries = new(
        rates.RecoveriesPerMachine, "This machine's passphrase was tried too often with these credentials.");

    private readonly RequestLimiter<(string, Guid)> tokens = new(
        rates.TokensPerMachine, "Tokens for this machine are asked for too often.");

    /// <exception cref="RefusedException">The address asks too often.</exception>
    public void CheckAddress(HttpContext http) => Check(addresses, http.Connection.RemoteIpAddress ?? IPAddress.None);

    /// <exception cref="RefusedException">The credentials register too often.</exception>
    public void CheckRegistration(Guid credentialsId) => Check(registrations, credentialsId);

    /// <param name="what">Challenge, token or replacement.</param>
    /// <exception cref="RefusedException">The machine is tried too often with these credentials.</exception>
    public void CheckRecovery(string what, Guid credentialsId, Guid machineId) => Check(recoveries, (what, credentialsId, machineId));

    /// <param name="what">Challenge or token.</param>
    /// <exception cref="RefusedException">The machine asks too often, or somebody else does for it.</exception>
    public void CheckToken(string what, Guid machineId) => Check(tokens, (what, machineId));

    public void Dispose()
    {
        addresses.Dispose();
        registrations.Dispose();
        recoveries.Dispose();
        tokens.Dispose();
    }

    private static void Check<TKey>(RequestLimiter<TKey> limiter, TKey key) where TKey : notnull
    {
        if (limiter.Check(key) is { } refusal)
        {
            throw new RefusedException(refusal);
        }
    }
}
