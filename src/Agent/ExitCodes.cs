using BackupPlatform.Contracts;

namespace BackupPlatform.Agent;

/// <summary>What the agent's exit status means to a script.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;

    /// <summary>There is a recovery point, but some files could not be read; each was named.</summary>
    public const int Incomplete = 3;
    public const int Limit = 4;
    public const int Refused = 5;
    public const int WrongPassphrase = 6;
    public const int Damaged = 7;
    public const int Unreachable = 8;
    public const int Interrupted = 130;

    /// <summary>The exit status for an error answer's code.</summary>
    public static int OfProblem(string? code) => code switch
    {
        ProblemCodes.VaultLimit or ProblemCodes.MachineLimit or ProblemCodes.ItemLimit or ProblemCodes.RecoveryPointLimit
            or ProblemCodes.DailyBackupLimit => Limit,
        ProblemCodes.CredentialsExpired or ProblemCodes.CredentialsInvalid or "credentials-revoked" or ProblemCodes.Unauthenticated
            or ProblemCodes.Forbidden => Refused,
        ProblemCodes.Integrity => Damaged,
        ProblemCodes.Unavailable or "rate-limited" => Unreachable,
        _ => Failed,
    };
}
