namespace BackupPlatform.LocalHosting;

/// <summary>Keeps one part running: starts it, waits until it is healthy, starts it again when it ends, with growing pauses.</summary>
internal sealed class Supervisor(Unit unit, RunContext run) : IDisposable
{
    private const int StartAttempts = 4;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestLook = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _healthy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly LogFile _log = new(run.Data.LogOf(unit.Name));
    private Task _running = Task.CompletedTask;

    public Unit Unit => unit;

    /// <summary>Ends when the part has become healthy for the first time; fails when it does not.</summary>
    public Task Healthy => _healthy.Task;

    /// <summary>Starts the part as soon as those it depends on are healthy.</summary>
    public void Start(Task dependencies) => _running = KeepAsync(dependencies);

    /// <summary>Stops the part; returns when its process is gone.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _running;
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _log.Dispose();
    }

    private async Task KeepAsync(Task dependencies)
    {
        try
        {
            await dependencies.WaitAsync(_stopping.Token);
            await KeepRunningAsync();
            _healthy.TrySetCanceled();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _healthy.TrySetCanceled();
        }
        catch (Exception e)
        {
            _healthy.TrySetException(e);
        }
    }

    private async Task KeepRunningAsync()
    {
        var pause = FirstPause;
        for (var failures = 0; ;)
        {
            var begun = _clock.GetTimestamp();
            if (await RunOnceAsync() is not { } ending) return;

            if (!_healthy.Task.IsCompleted && ++failures >= StartAttempts) throw NotStarted(ending);
            if (_clock.GetElapsedTime(begun) > Steady) pause = FirstPause;
            run.Console.Say($"{unit.Name} {ending}; starting it again in {pause.TotalSeconds:0.#} s");
            await Task.Delay(pause, _clock, _stopping.Token);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <returns>How it ended, or null when it was told to.</returns>
    private async Task<string?> RunOnceAsync()
    {
        try
        {
            await unit.PrepareAsync(run, _stopping.Token);
            using var process = ChildProcess.Start(unit.Command(run), run, unit.Name, _log);
            return await WatchAsync(process) ? null : $"ended with exit code {process.ExitCode}";
        }
        catch (Exception e) when (_healthy.Task.IsCompletedSuccessfully && !_stopping.IsCancellationRequested)
        {
            return $"could not be started: {e.Message}"; // it ran before, so that what is in its way may pass
        }
    }

    /// <returns>Whether it ended because it was told to.</returns>
    private async Task<bool> WatchAsync(ChildProcess process)
    {
        try
        {
            if (await BecomesHealthyAsync(process)) _healthy.TrySetResult();
            await process.Exit.WaitAsync(_stopping.Token);
            process.EndGroup();
            return false;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            await process.StopAsync(unit.StopSignal, StopLimit);
            return true;
        }
        catch
        {
            await process.StopAsync(unit.StopSignal, StopLimit);
            throw;
        }
    }

    private async Task<bool> BecomesHealthyAsync(ChildProcess process)
    {
        var begun = _clock.GetTimestamp();
        for (var pause = ShortestLook; !process.Exit.IsCompleted; pause = pause * 1.2 < LongestLook ? pause * 1.2 : LongestLook)
        {
            if (await unit.IsHealthyAsync(run, _stopping.Token)) return true;
            if (!_healthy.Task.IsCompleted && _clock.GetElapsedTime(begun) > StartLimit)
                throw NotStarted($"was not healthy after {StartLimit.TotalSeconds:0} s");
            await Task.WhenAny(process.Exit, Task.Delay(pause, _clock, _stopping.Token));
            _stopping.Token.ThrowIfCancellationRequested();
        }

        return false;
    }

    private HostingException NotStarted(string what) =>
        new($"{unit.Name} {what}. Its log, {run.Data.LogOf(unit.Name)}, ends with:\n{LogFile.Tail(run.Data.LogOf(unit.Name))}");
}
