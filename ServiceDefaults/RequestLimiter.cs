using System.Globalization;
using System.Threading.RateLimiting;

namespace BackupPlatform.ServiceDefaults;

/// <summary>Lets so many requests of one kind pass a minute for each key, as many at once too. Each replica counts for itself.</summary>
/// <remarks>A key's bucket fills evenly; one that is full is forgotten, so memory is bounded by how many keys are in use just now.</remarks>
/// <typeparam name="TKey">Who or what is counted: an address, some credentials, a machine.</typeparam>
/// <param name="perMinute">1 or more.</param>
/// <param name="detail">What to say to whom is refused.</param>
public sealed class RequestLimiter<TKey>(int perMinute, string detail) : IDisposable where TKey : notnull
{
    private readonly PartitionedRateLimiter<TKey> buckets = PartitionedRateLimiter.Create<TKey, TKey>(
        key => RateLimitPartition.GetTokenBucketLimiter(key, _ => Options(perMinute)));

    /// <summary>Counts one request.</summary>
    /// <returns>The refusal of one that is too many; null where it passes.</returns>
    public Refusal? Check(TKey key)
    {
        using var lease = buckets.AttemptAcquire(key);
        if (lease.IsAcquired)
        {
            return null;
        }

        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
        return Refusal.RateLimited(
            string.Create(CultureInfo.InvariantCulture, $"{detail} Try again in {Math.Max(1, Math.Ceiling(wait.TotalSeconds))} s."), wait);
    }

    /// <inheritdoc/>
    public void Dispose() => buckets.Dispose();

    /// <summary>Filled once a second at most, which costs less than token by token.</summary>
    private static TokenBucketRateLimiterOptions Options(int perMinute)
    {
        var perPeriod = Math.Max(1, perMinute / 60);
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = perMinute,
            TokensPerPeriod = perPeriod,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) * perPeriod / perMinute,
            QueueLimit = 0,
            AutoReplenishment = true,
        };
    }
}
