using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
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
        configuration.GetValue("Limits:RecoveriesPerMachinePerMinute", 60),
        configuration.GetValue("Limits:TokensPerMachinePerMinute", 120));
}

/// <summary>Refuses what is asked too often, before it costs anything.</summary>
internal sealed class RateLimits(RequestRates rates) : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> addresses = Limiter<IPAddress>(rates.PerAddress);
    private readonly PartitionedRateLimiter<Guid> registrations = Limiter<Guid>(rates.RegistrationsPerCredentials);
    private readonly PartitionedRateLimiter<(string, Guid, Guid)> recoveries = Limiter<(string, Guid, Guid)>(rates.RecoveriesPerMachine);
    private readonly PartitionedRateLimiter<(string, Guid)> tokens = Limiter<(string, Guid)>(rates.TokensPerMachine);

    /// <exception cref="RefusedException">The address asks too often.</exception>
    public void CheckAddress(HttpContext http) =>
        Check(addresses, http.Connection.RemoteIpAddress ?? IPAddress.None, "Too many requests come from this address.");

    /// <exception cref="RefusedException">The credentials register too often.</exception>
    public void CheckRegistration(Guid credentialsId) =>
        Check(registrations, credentialsId, "Too many machines register with these credentials at once.");

    /// <param name="what">Challenge, token or replacement.</param>
    /// <exception cref="RefusedException">The machine is tried too often with these credentials.</exception>
    public void CheckRecovery(string what, Guid credentialsId, Guid machineId) =>
        Check(recoveries, (what, credentialsId, machineId), "This machine's passphrase was tried too often with these credentials.");

    /// <param name="what">Challenge or token.</param>
    /// <exception cref="RefusedException">The machine asks too often, or somebody else does for it.</exception>
    public void CheckToken(string what, Guid machineId) =>
        Check(tokens, (what, machineId), "Tokens for this machine are asked for too often.");

    public void Dispose()
    {
        addresses.Dispose();
        registrations.Dispose();
        recoveries.Dispose();
        tokens.Dispose();
    }

    private static void Check<TKey>(PartitionedRateLimiter<TKey> limiter, TKey key, string what)
    {
        using var lease = limiter.AttemptAcquire(key);
        if (!lease.IsAcquired)
        {
            var retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
            throw new RefusedException(Refusal.RateLimited(
                string.Create(CultureInfo.InvariantCulture, $"{what} Try again in {Math.Max(1, Math.Ceiling(retryAfter.TotalSeconds))} s."),
                retryAfter));
        }
    }

    /// <summary>Buckets that fill evenly over a minute; those that are full are forgotten.</summary>
    private static PartitionedRateLimiter<TKey> Limiter<TKey>(int perMinute) where TKey : notnull =>
        PartitionedRateLimiter.Create<TKey, TKey>(key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perMinute,
            TokensPerPeriod = Math.Max(1, perMinute / 60),
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) * Math.Max(1, perMinute / 60) / perMinute,
            QueueLimit = 0,
            AutoReplenishment = true,
        }));
}
