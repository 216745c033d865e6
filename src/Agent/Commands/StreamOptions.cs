using System.CommandLine;
using BackupPlatform.Agent.Backup;

namespace BackupPlatform.Agent.Commands;

/// <summary>A stream that is to be backed up as one file of an item of the same name.</summary>
/// <param name="Command">What writes it; null: standard input.</param>
internal sealed record StreamOrder(string Name, IReadOnlyList<string>? Command)
{
    public StreamSource Open(AgentHost host, CancellationToken cancellation) => Command is null
        ? StreamSource.OfInput(Name, host.OpenInput(), cancellation)
        : StreamSource.OfCommand(Name, Command, cancellation);
}

/// <summary>The options of <c>backup</c> for streams.</summary>
internal sealed class StreamOptions
{
    private readonly Option<string?> _input = new("--stdin-name")
    {
        Description = "Back up standard input as one file of this name, an item of its own", HelpName = "NAME",
    };

    private readonly Option<string?> _command = new("--command")
    {
        Description = "Back up what a command, given after --, writes to its standard output; if it fails, nothing is backed up",
        HelpName = "NAME",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_input);
        command.Options.Add(_command);
    }

    /// <summary>What is asked for; null: files.</summary>
    /// <exception cref="AgentException">The options contradict each other (exit 2).</exception>
    public StreamOrder? Read(ParseResult parsed, string? item, string[] arguments)
    {
        var (input, command) = (parsed.GetValue(_input), parsed.GetValue(_command));
        if ((input ?? command) is not { } name)
        {
            return null;
        }

        var fault = (input, command, arguments.Length) switch
        {
            (not null, not null, _) => "Give either --stdin-name or --command.",
            (not null, _, > 0) => "--stdin-name backs up standard input and nothing else: leave the paths out.",
            (_, not null, 0) => "Give the command after --, such as --command shop.sql -- pg_dump shop.",
            _ when item is not null && item != name => "A stream is an item of its own name: leave --item out.",
            _ => null,
        };
        return fault is null ? new StreamOrder(PointOptions.CheckItem(name)!, command is null ? null : arguments) : throw AgentException.Usage(fault);
    }
}
