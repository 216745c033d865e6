namespace BackupPlatform.LocalHosting;

/// <summary>Something the person who started the platform must know: what happened and what to do next.</summary>
internal sealed class HostingException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
