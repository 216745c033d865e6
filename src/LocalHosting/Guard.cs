using System.Diagnostics;

namespace BackupPlatform.LocalHosting;

/// <summary>
/// A small process that ends every process of this run when the host is gone, also when it was killed: it reads a pipe
/// that only the host holds. The host starts it anew if it ends.
/// </summary>
internal sealed class Guard : IDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(35);

    // Between two starts, should it end by itself each time.
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(200);

    private readonly string _mark;
    private readonly CancellationTokenSource _closing = new();
    private Process _process;

    private Guard(string mark)
    {
        _mark = mark;
        _process = Launch();
    }

    public static Guard Start(string mark)
    {
        var guard = new Guard(mark);
        _ = guard.KeepAsync();
        return guard;
    }

    /// <summary>Lets the guard look a last time for what is left; returns when nothing is.</summary>
    public async Task CloseAsync()
    {
        await _closing.CancelAsync();
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(StopLimit);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _process.Dispose();
        _closing.Dispose();
    }

    private async Task KeepAsync()
    {
        while (true)
        {
            await _process.WaitForExitAsync(_closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_closing.IsCancellationRequested) return;
            _process = Launch();
            await Task.Delay(Rest, TimeProvider.System, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Process Launch()
    {
        using var script = new StreamReader(typeof(Guard).Assembly.GetManifestResourceStream("guard.sh")!);
        // A session of its own: a signal to the host's terminal or group does not reach it. The script is an argument,
        // so that the command line names neither this program nor the data directory.
        var start = new ProcessStartInfo("setsid", ["sh", "-c", script.ReadToEnd(), "guard", _mark])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment.Remove(_mark.Split('=')[0]);
        return Process.Start(start) ?? throw new HostingException("setsid could not be started; install util-linux");
    }
}
