using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using Spectre.Console;

namespace BackupPlatform.Agent.Commands;

/// <summary>What every command works with.</summary>
internal sealed record CommandContext(AgentHost Host, Report Report, AgentHome Home, TimeProvider Time, RetryPolicy Retry)
{
    /// <summary>How fast the command may send; null: as fast as it can.</summary>
    public UploadLimit? UploadLimit { get; init; }

    /// <summary>Whether somebody sits at a terminal and can be asked.</summary>
    public bool CanAsk => Host.Interactive && !Report.Json;

    public Prompts Prompts { get; } = new(AnsiConsole.Console);

    public ProgressView ShowProgress(Output.Progress progress) => ProgressView.Show(Report, progress, Host.Terminal);
}
