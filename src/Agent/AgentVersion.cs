namespace BackupPlatform.Agent;

/// <summary>The agent's version, as its build says.</summary>
internal static class AgentVersion
{
    public static string Text { get; } =
        typeof(AgentVersion).Assembly.GetName().Version is { } version ? version.ToString(3) : "0.0.0";
}
