using System.Text.Json;
using BackupPlatform.Agent.Commands;

namespace BackupPlatform.Agent.Tests;

/// <summary>The agent's command line, run in this process.</summary>
internal sealed record AgentRun(int Status, string Output, string Errors)
{
    public static async Task<AgentRun> OfAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();

        // No patience: what cannot be reached is told at once.
        var host = new AgentHost(
            TextReader.Null, output, errors, name => name == "BACKUP_AGENT_PATIENCE" ? "PT0S" : null, Terminal: false, Interactive: false);
        var status = await CommandLine.RunAsync(arguments, host, TestContext.Current.CancellationToken);
        return new AgentRun(status, output.ToString(), errors.ToString());
    }

    public JsonElement LastLine => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public string? Code => LastLine.GetProperty("code").GetString();
}
