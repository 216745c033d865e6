using System.Buffers;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// A stream that is backed up as one file: standard input, or what a command writes. It is read once, by a thread of its own, so
/// that a backup that is interrupted need not wait for the next byte; at most <see cref="MaxWaiting"/> buffers ahead.
/// </summary>
internal sealed class StreamSource : IDisposable
{
    private const int BufferBytes = 128 * 1024;
    private const int MaxWaiting = 16;

    private readonly BlockingCollection<(byte[] Buffer, int Length)> _read = new(MaxWaiting);
    private readonly CancellationTokenSource _stop;
    private readonly Process? _command;
    private readonly string _what;
    private (byte[] Buffer, int Length) _current = ([], 0);
    private int _taken;
    private Exception? _failure;

    private StreamSource(string name, Stream stream, Process? command, string what, CancellationToken cancellation)
    {
        (Name, _command, _what) = (name, command, what);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        new Thread(() => Pump(stream)) { IsBackground = true, Name = "stream source" }.Start();
    }

    /// <summary>Of the item and of the file in it.</summary>
    public string Name { get; }

    public static StreamSource OfInput(string name, Stream input, CancellationToken cancellation) =>
        new(name, input, null, "standard input", cancellation);

    /// <summary>Starts a command; its standard error and its input are the agent's own.</summary>
    /// <exception cref="AgentException">It cannot be started.</exception>
    public static StreamSource OfCommand(string name, IReadOnlyList<string> command, CancellationToken cancellation)
    {
        if (!command.All(argument => PathText.IsUtf8(PathText.Encode(argument))))
        {
            throw AgentException.Usage("The arguments of the command must be UTF-8.");
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, UseShellExecute = false };
        try
        {
            var process = Process.Start(start)!;
            return new StreamSource(name, process.StandardOutput.BaseStream, process, $"the command '{command[0]}'", cancellation);
        }
        catch (Win32Exception e)
        {
            throw AgentException.Failed($"The command '{command[0]}' cannot be started: {e.Message}. Nothing was backed up.", "command-failed");
        }
    }

    /// <summary>Reads on; 0 at the end.</summary>
    /// <exception cref="IOException">It cannot be read on.</exception>
    public int Read(Memory<byte> space)
    {
        if (_taken == _current.Length && !Next())
        {
            return 0;
        }

        var count = Math.Min(space.Length, _current.Length - _taken);
        _current.Buffer.AsSpan(_taken, count).CopyTo(space.Span);
        _taken += count;
        return count;
    }

    /// <summary>Says whether what was read is all there was to be; without this it must not become a recovery point.</summary>
    /// <exception cref="AgentException">The command failed.</exception>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        if (_command is null)
        {
            return;
        }

        await _command.WaitForExitAsync(cancellation);
        if (_command.ExitCode != 0)
        {
            throw AgentException.Failed(
                $"{char.ToUpperInvariant(_what[0])}{_what[1..]} ended with status {_command.ExitCode}. Nothing was backed up; what it said stands above.",
                "command-failed");
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        if (_command is not null)
        {
            EndCommand(_command);
            _command.Dispose();
        }
    }

    private static void EndCommand(Process command)
    {
        try
        {
            command.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended already.
        }
    }

    private bool Next()
    {
        ArrayPool<byte>.Shared.Return(_current.Buffer);
        (_current, _taken) = (([], 0), 0);
        if (_read.TryTake(out var next, Timeout.Infinite, _stop.Token))
        {
            _current = next;
            return true;
        }

        return _failure is null ? false : throw new IOException($"{_what} cannot be read: {_failure.Message}", _failure);
    }

    private void Pump(Stream stream)
    {
        try
        {
            while (true)
            {
                var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                var count = stream.Read(buffer, 0, buffer.Length);
                if (count == 0)
                {
                    break;
                }

                _read.Add((buffer, count), _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException or ObjectDisposedException)
        {
            _failure = e;
        }

        _read.CompleteAdding();
    }
}
