using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;

namespace BackupPlatform.Agent.Commands;

/// <summary>What every command works with.</summary>
internal sealed record CommandContext(AgentHost Host, Report Report, AgentHome Home, TimeProvider Time, RetryPolicy Retry)
{
    public ProgressView ShowProgress(Progress progress) => ProgressView.Show(Report, progress, Host.Terminal);
}
