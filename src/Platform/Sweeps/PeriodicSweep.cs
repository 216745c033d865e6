using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BackupPlatform.Platform.Sweeps;

/// <summary>Does, again and again, what is due by the platform's clock.</summary>
/// <remarks>
/// It asks often rather than sleep until something is due: a sleep would not notice a jump of the clock, which bites within two
/// seconds. Every replica sweeps, and they may do so at once: what a sweep does is decided again in the transaction that does it. A
/// failure is logged and tried again.
/// </remarks>
public abstract class PeriodicSweep(TimeProvider clock, ILogger log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Does what is due now, or a batch of it.</summary>
    public abstract Task SweepAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(e, "{Sweep} could not do what is due; trying again", GetType().Name);
            }
        }
    }
}
