using Spectre.Console;

namespace BackupPlatform.Agent.Output;

/// <summary>Shows progress until it is disposed: bars on a terminal, lines with --json, else nothing.</summary>
internal sealed class ProgressView : IAsyncDisposable
{
    // At most 5 a second were promised; 2 are enough for people and scripts.
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _shown;

    private ProgressView(Func<CancellationToken, Task> show, bool bars = false)
    {
        ShowsBars = bars;
        _shown = Task.Run(() => show(_stop.Token));
    }

    /// <summary>Whether somebody looks at bars.</summary>
    public bool ShowsBars { get; }

    /// <param name="terminal">Whether standard output is one.</param>
    public static ProgressView Show(Report report, Progress progress, bool terminal)
    {
        var start = TimeProvider.System.GetTimestamp();
        if (report.Json)
        {
            return new ProgressView(stop => LinesAsync(report, progress, start, stop));
        }

        return terminal && !report.Quiet
            ? new ProgressView(stop => BarsAsync(progress, start, stop), bars: true)
            : new ProgressView(_ => Task.CompletedTask);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _shown;
        _stop.Dispose();
    }

    private static async Task LinesAsync(Report report, Progress progress, long start, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_interval);
        while (await TickAsync(timer, stop))
        {
            report.JsonLine("progress", writer =>
            {
                writer.WriteString("phase", progress.Phase);
                writer.WriteNumber("filesDone", progress.Files);
                writer.WriteNumber("bytesDone", progress.Bytes);
                writer.WriteNumber("bytesTransferred", progress.Transferred);
                if (progress.BytesTotal > 0)
                {
                    writer.WriteNumber("bytesTotal", Math.Max(progress.BytesTotal, progress.Bytes));
                }

                writer.WriteNumber("seconds", Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 1));
            });
        }
    }

    private static Task BarsAsync(Progress progress, long start, CancellationToken stop) => AnsiConsole.Progress()
        .AutoClear(true)
        .HideCompleted(false)
        .Columns(
            new TaskDescriptionColumn(),
            new ProgressBarColumn(),
            new DownloadedColumn(),
            new TransferSpeedColumn(),
            new RemainingTimeColumn(),
            new SpinnerColumn())
        .StartAsync(async context =>
        {
            var task = context.AddTask(Markup.Escape(progress.Phase));
            using var timer = new PeriodicTimer(s_interval / 4);
            do
            {
                task.IsIndeterminate = progress.BytesTotal == 0;
                task.MaxValue = Math.Max(1, Math.Max(progress.BytesTotal, progress.Bytes));
                task.Value = progress.Bytes;
                // The bar's own rate comes with the total alone.
                var rate = progress.Bytes / Math.Max(0.1, TimeProvider.System.GetElapsedTime(start).TotalSeconds);
                task.Description = Markup.Escape(
                    $"{progress.Phase} {Humane.Count(progress.Files, "file", "files")}{(task.IsIndeterminate ? $", {Humane.Bytes((long)rate)}/s" : "")}");
            }
            while (await TickAsync(timer, stop));
        });

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
