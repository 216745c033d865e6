using System.CommandLine;
using System.Diagnostics;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary>Runs a command's body: one span around it, and every failure as a message, a code and an exit status.</summary>
internal static class CommandRunner
{
    public static void Run(
        this Command command, GlobalOptions options, AgentHost host, Func<ParseResult, CommandContext, CancellationToken, Task<int>> body) =>
        command.SetAction((parsed, cancellation) => RunAsync(command.Name, parsed, options, host, body, cancellation));

    private static async Task<int> RunAsync(
        string name,
        ParseResult parsed,
        GlobalOptions options,
        AgentHost host,
        Func<ParseResult, CommandContext, CancellationToken, Task<int>> body,
        CancellationToken cancellation)
    {
        using var span = Tracing.Begin(name);
        var failure = default(AgentException);
        try
        {
            var status = await body(parsed, options.Context(parsed, host), cancellation);
            span.SetTag("backup_agent.exit_status", status);
            return status;
        }
        catch (Exception e) when (Translate(e, cancellation) is { } translated)
        {
            failure = translated;
        }

        span.SetTag("backup_agent.exit_status", failure.ExitStatus);
        span.SetStatus(ActivityStatusCode.Error, failure.Code);
        options.Report(parsed, host).Error(failure.Code, failure.Message);
        return failure.ExitStatus;
    }

    /// <summary>The failure for people; null for a bug, which ends the process with its stack.</summary>
    public static AgentException? Translate(Exception failure, CancellationToken cancellation) => failure switch
    {
        // Whatever failed because of it.
        _ when cancellation.IsCancellationRequested => new AgentException(
            ExitCodes.Interrupted, "interrupted", "Interrupted. Run the command again: it goes on where it was."),
        AgentException known => known,
        DamagedDataException => AgentException.Damaged(failure.Message, failure),
        WrongPassphraseException => AgentException.WrongPassphrase(failure.Message),
        UnsupportedFormatException => AgentException.Failed(failure.Message, "unsupported-format"),
        IOException or UnauthorizedAccessException => AgentException.Failed(failure.Message),
        _ => null,
    };
}
