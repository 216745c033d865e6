namespace BackupPlatform.Contracts.Vaults;

/// <summary>How many copies a vault keeps and where: LRS in one location, GRS also in the paired one.</summary>
public enum Redundancy
{
    LRS,
    GRS,
}

public sealed record CreateSubscription(string? Name);

/// <summary>A new subscription, with the token of its operators, which is shown this once.</summary>
public sealed record SubscriptionCreatedDocument(Guid Id, string Name, string OperatorToken);

public sealed record SubscriptionDocument(Guid Id, string Name, DateTimeOffset CreatedAt);

public sealed record CreateVault(string? Name, string? Redundancy);

public sealed record VaultDocument(Guid Id, Guid SubscriptionId, string Name, Redundancy Redundancy, DateTimeOffset CreatedAt);

/// <summary>What a vault credentials file may be used for.</summary>
public enum CredentialsPurpose
{
    /// <summary>To register machines, and to take them over.</summary>
    Register,

    /// <summary>To read a machine's recovery points elsewhere, together with its passphrase.</summary>
    Recover,
}

/// <summary>A vault credentials file that was downloaded; the file itself is not kept.</summary>
/// <param name="IssuedBy">Who downloaded it: the platform operator or an operator of the subscription.</param>
/// <param name="RevokedAt">Null while it is not revoked.</param>
public sealed record CredentialsDocument(
    Guid Id,
    Guid VaultId,
    IReadOnlyList<CredentialsPurpose> Purposes,
    string IssuedBy,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? RevokedAt);
