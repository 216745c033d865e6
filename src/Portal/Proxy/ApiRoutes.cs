namespace BackupPlatform.Portal.Proxy;

/// <summary>Which service owns which path of the API.</summary>
internal static class ApiRoutes
{
    public const string Vault = "vault";
    public const string Registration = "registration";
    public const string Ingest = "ingest";
    public const string Restore = "restore";
    public const string Retention = "retention";

    /// <summary>Calls of a path that go to another service than its owner.</summary>
    public static IReadOnlyList<(string Method, string Path, string Owner)> Exceptions { get; } =
    [
        ("DELETE", "/api/recovery-points/{id:guid}", Retention),
    ];

    /// <summary>Every path that the portal passes on, and to whom.</summary>
    public static IReadOnlyList<(string Path, string Owner)> All { get; } =
    [
        ("/api/subscriptions", Vault),
        ("/api/subscriptions/{id:guid}/vaults", Vault),
        ("/api/vaults/{id:guid}", Vault),
        ("/api/vaults/{id:guid}/credentials", Vault),
        ("/api/vaults/{id:guid}/credentials/{credentialsId:guid}", Vault),
        ("/api/machines", Registration),
        ("/api/machines/{id:guid}", Registration),
        ("/api/machines/{id:guid}/token-challenges", Registration),
        ("/api/machines/{id:guid}/tokens", Registration),
        ("/api/machines/{id:guid}/recovery-tokens", Registration),
        ("/api/machines/{id:guid}/identity", Registration),
        ("/api/machines/{id:guid}/key-header", Registration),
        ("/api/machines/{id:guid}/unregistration", Registration),
        ("/api/recovery-challenges", Registration),
        ("/api/vaults/{id:guid}/machines", Registration),
        ("/api/backup-jobs", Ingest),
        ("/api/backup-jobs/{id:guid}", Ingest),
        ("/api/recovery-points/{id:guid}", Ingest),
        ("/api/recovery-points/{id:guid}/manifest", Ingest),
        ("/api/recovery-points/{id:guid}/undelete", Retention),
        ("/api/machines/{id:guid}/recovery-points", Ingest),
        ("/api/machines/{id:guid}/jobs", Ingest),
        ("/api/vaults/{id:guid}/jobs", Ingest),
        ("/api/restore-jobs", Restore),
        ("/api/restore-jobs/{id:guid}", Restore),
        ("/api/restore-jobs/{id:guid}/completion", Restore),
        ("/api/restore-jobs/{id:guid}/events", Restore),
        ("/api/machines/{id:guid}/restore-jobs", Restore),
        ("/api/vaults/{id:guid}/restore-jobs", Restore),
    ];

    /// <summary>Backed up data and lists of it, which agents send to and read from the service itself; and which service that is.</summary>
    public static IReadOnlyList<(string Path, string Owner)> DataPlane { get; } =
    [
        ("/api/backup-jobs/{id:guid}/chunks/{**rest}", Ingest),
        ("/api/backup-jobs/{id:guid}/segments/{**rest}", Ingest),
        ("/api/backup-jobs/{id:guid}/seal", Ingest),
        ("/api/recovery-points/{id:guid}/chunks/{**rest}", Ingest),
        ("/api/restore-jobs/{id:guid}/selection", Restore),
        ("/api/restore-jobs/{id:guid}/frames", Restore),
    ];
}
