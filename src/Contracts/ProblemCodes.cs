namespace BackupPlatform.Contracts;

/// <summary>The stable codes of <c>application/problem+json</c> answers. The agent derives its exit status from them.</summary>
public static class ProblemCodes
{
    public const string VaultLimit = "vault-limit";
    public const string MachineLimit = "machine-limit";
    public const string MachineExists = "machine-exists";
    public const string ItemLimit = "item-limit";
    public const string RecoveryPointLimit = "recovery-point-limit";
    public const string DailyBackupLimit = "daily-backup-limit";
    public const string CredentialsExpired = "credentials-expired";
    public const string CredentialsInvalid = "credentials-invalid";
    public const string CredentialsRevoked = "credentials-revoked";
    public const string Unauthenticated = "unauthenticated";
    public const string Forbidden = "forbidden";

    /// <summary>There is none, or it belongs to another subscription: the two answer alike.</summary>
    public const string NotFound = "not-found";

    /// <summary>The request is malformed; <c>errors</c> names the fields.</summary>
    public const string Invalid = "invalid";
    public const string Conflict = "conflict";

    /// <summary>Stored data is damaged or a checksum does not match.</summary>
    public const string Integrity = "integrity";

    /// <summary>Asked too often; comes with Retry-After.</summary>
    public const string RateLimited = "rate-limited";

    /// <summary>A part of the platform is not there, or has not heard of a fact yet; comes with Retry-After.</summary>
    public const string Unavailable = "unavailable";
}
