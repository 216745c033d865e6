using BackupPlatform.Contracts;

namespace BackupPlatform.Agent;

/// <summary>A command ends here: with an exit status, a stable code for scripts and a message for people that says what to do next.</summary>
internal sealed class AgentException(int exitStatus, string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public int ExitStatus { get; } = exitStatus;

    public string Code { get; } = code;

    public static AgentException Failed(string message, string code = "failed") => new(ExitCodes.Failed, code, message);

    public static AgentException Usage(string message) => new(ExitCodes.Usage, "usage", message);

    public static AgentException Damaged(string message, Exception? inner = null) =>
        new(ExitCodes.Damaged, ProblemCodes.Integrity, message, inner);

    public static AgentException WrongPassphrase(string message) => new(ExitCodes.WrongPassphrase, "wrong-passphrase", message);

    public static AgentException Unreachable(string message, Exception? inner = null) =>
        new(ExitCodes.Unreachable, ProblemCodes.Unavailable, message, inner);
}
