using System.CommandLine;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;

namespace BackupPlatform.Agent.Commands;

/// <summary>The options that every command takes.</summary>
internal sealed class GlobalOptions
{
    private readonly Option<string?> _home = new("--home")
    {
        Description = "Folder with the machine's state (default: BACKUP_AGENT_HOME, or the system's usual place)",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print lines of JSON; the last one is the summary or the error", Recursive = true,
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print results and errors only", Recursive = true };

    public void AddTo(Command command)
    {
        command.Options.Add(_home);
        command.Options.Add(_json);
        command.Options.Add(_quiet);
    }

    public CommandContext Context(ParseResult parsed, AgentHost host) => new(
        host,
        Report(parsed, host),
        AgentHome.Locate(parsed.GetValue(_home), host.Environment, Libc.EffectiveUser() == 0),
        AgentClock.Create(host.Environment),
        RetryPolicy.FromEnvironment(host.Environment));

    public Report Report(ParseResult parsed, AgentHost host) =>
        new(host.Output, host.Errors, parsed.GetValue(_json), parsed.GetValue(_quiet));
}
