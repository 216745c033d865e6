using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;

namespace BackupPlatform.Agent.Backup;

/// <summary>Counts what there is to read beside a backup that has nothing to compare with, so that its progress can tell the time left.</summary>
internal sealed class SourceCount : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _counted;

    /// <param name="walker">Of its own, which tells nobody what it could not read: the backup does.</param>
    public SourceCount(SourceWalker walker, Progress progress) => _counted = Task.Run(() => Count(walker, progress, _stop.Token));

    /// <summary>Ends it, counted or not.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _counted;
        _stop.Dispose();
    }

    private static void Count(SourceWalker walker, Progress progress, CancellationToken stop)
    {
        long bytes = 0;
        try
        {
            foreach (var entry in walker.Walk())
            {
                if (stop.IsCancellationRequested)
                {
                    return;
                }

                bytes += entry.Stat.Kind == FileKind.File ? entry.Stat.Size : 0;
            }

            progress.BytesTotal = bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then the time left is not told.
        }
    }
}
