namespace BackupPlatform.Contracts.Vaults;

/// <summary>A vault can take machines from now on. The stream is the vault's.</summary>
public sealed record VaultCreated(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, string Name, Redundancy Redundancy) : IContract;

/// <summary>Vault credentials were downloaded. The stream is the vault's.</summary>
/// <param name="Purposes">What they are for.</param>
public sealed record VaultCredentialsIssued(
    Guid StreamId,
    long Version,
    DateTimeOffset At,
    Guid SubscriptionId,
    Guid CredentialsId,
    IReadOnlyList<CredentialsPurpose> Purposes,
    DateTimeOffset ExpiresAt) : IContract;

/// <summary>Vault credentials open nothing any more. The stream is the vault's.</summary>
public sealed record VaultCredentialsRevoked(
    Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId, Guid CredentialsId) : IContract;

/// <summary>A vault is to be deleted: ingest answers whether it holds recovery points. The stream is the vault's.</summary>
public sealed record VaultClosing(Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId) : IContract;

/// <summary>A vault that was to be deleted holds recovery points and stays. The stream is the vault's.</summary>
public sealed record VaultReopened(Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId) : IContract;

/// <summary>A vault is no more. A tombstone: it wins over what comes late. The stream is the vault's.</summary>
public sealed record VaultDeleted(Guid StreamId, long Version, DateTimeOffset At, Guid SubscriptionId) : IContract;
