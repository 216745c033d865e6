using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace BackupPlatform.Agent.Commands;

/// <summary>The agent's command line: from arguments to an exit status.</summary>
internal static class CommandLine
{
    private const string Description =
        """
        Backs up this machine's files to a vault, encrypted before they leave it, and restores them.

        Examples:
          backup-agent register --credentials Vault.VaultCredentials --generate-passphrase --passphrase-out passphrase.txt
          backup-agent backup /home /etc
          backup-agent points
          backup-agent restore latest /home/ann/report.txt --target /tmp/restored

        Exit status: 0 done, 1 failed, 2 usage, 3 done but some files could not be read, 4 a limit refused it, 5 credentials or
        identity refused, 6 wrong passphrase, 7 damaged data found, 8 platform not reachable, 130 interrupted.

        Environment: BACKUP_AGENT_HOME (see --home); BACKUP_AGENT_PATIENCE, how long an unreachable platform is tried again
        (ISO-8601 duration, default PT2M); OTEL_EXPORTER_OTLP_ENDPOINT, where traces go.
        """;

    /// <summary>Runs the command that the arguments name.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, AgentHost host, CancellationToken cancellation)
    {
        var options = new GlobalOptions();
        var root = CreateRoot(options, host);

        // Arguments may be any bytes: no @file expansion, nothing taken out of them.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var faults = parsed.Errors.Select(error => error.Message).Concat(UnknownOptions(parsed)).Distinct().ToList();
        if (faults.Count > 0 && parsed.Action is not HelpAction)
        {
            return Refuse(parsed, faults, options, host);
        }

        var configuration = new InvocationConfiguration
        {
            Output = host.Output, Error = host.Errors, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
        };
        return await parsed.InvokeAsync(configuration, cancellation);
    }

    private static RootCommand CreateRoot(GlobalOptions options, AgentHost host)
    {
        var root = new RootCommand(Description)
        {
            RegisterCommand.Create(options, host),
            BackupCommand.Create(options, host),
            PointsCommand.Create(options, host),
            ListCommand.Create(options, host),
            FindCommand.Create(options, host),
            DiffCommand.Create(options, host),
            DumpCommand.Create(options, host),
            RestoreCommand.Create(options, host),
            VerifyCommand.Create(options, host),
            PassphraseCommand.Create(options, host),
            StatusCommand.Create(options, host),
            UnregisterCommand.Create(options, host),
        };
        root.Directives.Clear();
        options.AddTo(root);
        return root;
    }

    /// <summary>The parser takes an option that does not exist for a path. A path that begins with a dash follows "--".</summary>
    private static IEnumerable<string> UnknownOptions(ParseResult parsed)
    {
        var dashed = parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .Where(IsDashed)
            .ToList();
        var meant = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Skip(1).Count(token => IsDashed(token.Value));
        return dashed.Take(dashed.Count - meant).Select(option => $"There is no option '{option}'.");
    }

    private static bool IsDashed(string argument) => argument.Length > 1 && argument[0] == '-';

    private static int Refuse(ParseResult parsed, List<string> faults, GlobalOptions options, AgentHost host)
    {
        var command = parsed.CommandResult.Command;
        var name = command is RootCommand ? "" : command.Name + " ";
        var message = string.Join(' ', faults) + $" See 'backup-agent {name}--help'.";
        options.Report(parsed, host).Error("usage", message);
        return ExitCodes.Usage;
    }
}
