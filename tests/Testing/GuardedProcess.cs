using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace BackupPlatform.Testing;

/// <summary>
/// A server for tests that does not outlive them, however they end: a shell in a session of its own waits at a pipe whose other end is
/// this process, and ends the server's process group when the pipe closes. Linux only.
/// </summary>
public sealed class GuardedProcess : IAsyncDisposable
{
    // $1 is the signal that ends the server in order; after 10 s, and for what is left of the group, KILL.
    private const string Guard = """
        signal=$1; shift
        exec 3<&0
        setsid "$@" </dev/null 3<&- &
        server=$!
        { read -r _ <&3; kill -$signal -$server; sleep 10; kill -KILL -$server; } >/dev/null 2>&1 &
        guard=$!
        wait $server; status=$?
        kill $guard 2>/dev/null
        kill -KILL -$server 2>/dev/null
        exit $status
        """;

    private const int LinesKept = 200;

    private readonly Process _process;
    private readonly Queue<string> _lines = new();
    private readonly Channel<string> _unread = Channel.CreateBounded<string>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest });
    private int _outputsOpen = 2;

    private GuardedProcess(Process process) => _process = process;

    /// <summary>Whether the server has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The last lines the server wrote, for messages of failure.</summary>
    public string Output
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    /// <summary>Starts a server.</summary>
    /// <param name="command">The executable and its arguments.</param>
    /// <param name="environment">Variables to set beside those of this process; a null removes one.</param>
    /// <param name="stopSignal">What ends it in order, as <c>kill</c> names it.</param>
    /// <param name="workingDirectory">Where it runs; this process's own folder unless given.</param>
    public static GuardedProcess Start(
        IEnumerable<string> command,
        IReadOnlyDictionary<string, string?>? environment = null,
        string stopSignal = "TERM",
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Guard, "guard", stopSignal, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        var guarded = new GuardedProcess(process);
        process.OutputDataReceived += (_, line) => guarded.Take(line.Data);
        process.ErrorDataReceived += (_, line) => guarded.Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return guarded;
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="InvalidOperationException">It ended with another status than 0.</exception>
    public static async Task<string> RunAsync(
        IEnumerable<string> command,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null,
        CancellationToken cancellationToken = default)
    {
        string[] words = [.. command];
        await using GuardedProcess process = Start(words, environment, workingDirectory: workingDirectory);
        var output = new StringBuilder();
        await foreach (string line in process._unread.Reader.ReadAllAsync(cancellationToken)) output.AppendLine(line);
        await process._process.WaitForExitAsync(cancellationToken);
        return process._process.ExitCode == 0
            ? output.ToString()
            : throw new InvalidOperationException($"{words[0]} ended with {process._process.ExitCode}:\n{output}");
    }

    /// <summary>Waits for the next line that <paramref name="find"/> finds something in.</summary>
    /// <exception cref="InvalidOperationException">The server ended, or the time is over: with what it wrote.</exception>
    public async Task<T> WaitForLineAsync<T>(Func<string, T?> find, TimeSpan atMost, CancellationToken cancellationToken = default)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(atMost);
        try
        {
            await foreach (string line in _unread.Reader.ReadAllAsync(limit.Token))
            {
                if (find(line) is { } found) return found;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"{Name} is not ready after {atMost}:\n{Output}");
        }
        throw new InvalidOperationException($"{Name} ended early:\n{Output}");
    }

    /// <summary>Waits until <paramref name="isReady"/> says so; it is asked every 50 ms.</summary>
    /// <exception cref="InvalidOperationException">The server ended, or the time is over: with what it wrote.</exception>
    public async Task WaitUntilAsync(Func<Task<bool>> isReady, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await isReady())
        {
            if (HasExited) throw new InvalidOperationException($"{Name} ended early:\n{Output}");
            if (Stopwatch.GetElapsedTime(start) > atMost) throw new InvalidOperationException($"{Name} is not ready after {atMost}:\n{Output}");
            await Task.Delay(50, cancellationToken);
        }
    }

    /// <summary>Ends the server and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private string Name => _process.StartInfo.ArgumentList[5];

    private void Take(string? line)
    {
        if (line is null)
        {
            if (Interlocked.Decrement(ref _outputsOpen) == 0) _unread.Writer.TryComplete();
            return;
        }
        lock (_lines)
        {
            if (_lines.Count == LinesKept) _lines.Dequeue();
            _lines.Enqueue(line);
        }
        _unread.Writer.TryWrite(line);
    }
}
