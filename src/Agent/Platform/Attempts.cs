namespace BackupPlatform.Agent.Platform;

/// <summary>Why an attempt failed, and how long the platform asked to wait.</summary>
internal readonly record struct Failure(string Reason, TimeSpan? RetryAfter, Exception? Exception)
{
    /// <summary>The cause is gone already: nothing to wait for.</summary>
    public bool IsMended { get; init; }
}

/// <summary>The attempts of one request: when to try again, and when to give up.</summary>
internal sealed class Attempts(RetryPolicy policy, Func<long>? progressed)
{
    private int _failures;
    private long _firstFailure;
    private long _progress = progressed?.Invoke() ?? 0;
    private bool _renewed;

    /// <summary>Once, unless there was progress since.</summary>
    public bool MayRenewToken()
    {
        var may = !_renewed;
        _renewed = true;
        return may;
    }

    /// <summary>Waits before the next attempt; the other addresses of a service are tried without waiting.</summary>
    /// <exception cref="AgentException">Patience ended.</exception>
    public async Task WaitAsync(Service service, Uri address, Failure failure, int addresses, CancellationToken cancellation)
    {
        if (progressed?.Invoke() is { } progress && progress > _progress)
        {
            (_progress, _failures, _renewed) = (progress, 0, false);
        }

        if (failure.IsMended)
        {
            return;
        }

        if (++_failures == 1)
        {
            _firstFailure = TimeProvider.System.GetTimestamp();
        }

        if (_failures % Math.Max(1, addresses) != 0 && failure.RetryAfter is null)
        {
            return;
        }

        var round = (_failures + addresses - 1) / Math.Max(1, addresses);
        var pause = RetryPolicy.Pause(round, failure.RetryAfter, Random.Shared.NextDouble());
        if (TimeProvider.System.GetElapsedTime(_firstFailure) + pause > policy.Patience)
        {
            throw AgentException.Unreachable(
                $"The platform's {Endpoints.Name(service)} service at {address} cannot be reached: {failure.Reason}. "
                + "Check the network and the platform, then run the command again; it goes on where it was.",
                failure.Exception);
        }

        await Task.Delay(pause, cancellation);
    }
}
