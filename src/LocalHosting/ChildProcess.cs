using System.Diagnostics;

namespace BackupPlatform.LocalHosting;

/// <summary>A process in a session and group of its own, whose output goes to its log and to the console.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process) => _process = process;

    /// <summary>Ends when the process does.</summary>
    public Task Exit => _exit.Task;

    public int ExitCode => _process.ExitCode;

    public static ChildProcess Start(ProcessStartInfo command, RunContext run, string name, LogFile log)
    {
        var start = new ProcessStartInfo("setsid", [command.FileName, .. command.ArgumentList])
        {
            WorkingDirectory = command.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in command.Environment) start.Environment[key] = value;
        foreach (var key in start.Environment.Keys.Except(command.Environment.Keys).ToList()) start.Environment.Remove(key);
        start.Environment[DataDirectory.MarkVariable] = run.Data.RunId;

        var child = new ChildProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
        child._process.Exited += (_, _) => child._exit.TrySetResult();
        child._process.Start();
        child._process.StandardInput.Close();
        _ = PumpAsync(child._process.StandardOutput, run, name, log);
        _ = PumpAsync(child._process.StandardError, run, name, log);
        return child;
    }

    /// <summary>Asks the process to stop, and ends its whole group when it has not within the limit.</summary>
    public async Task StopAsync(int signal, TimeSpan limit)
    {
        Posix.Signal(_process.Id, signal);
        await Exit.WaitAsync(limit, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        EndGroup();
        await Exit;
    }

    /// <summary>Ends what the process may have left in its group.</summary>
    public void EndGroup() => Posix.SignalGroup(_process.Id, Posix.Kill);

    public void Dispose() => _process.Dispose();

    private static async Task PumpAsync(StreamReader output, RunContext run, string name, LogFile log)
    {
        try
        {
            while (await output.ReadLineAsync() is { } line)
            {
                log.Write(line);
                run.Console.Relay(name, line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // the process is gone
        }
    }
}
