using BackupPlatform.Contracts.Vaults;
using Marten;

namespace BackupPlatform.VaultService.Credentials;

/// <summary>Credentials were handed to an operator.</summary>
/// <param name="SubscriptionId">Null in events of before purposes.</param>
/// <param name="Purpose">What alone they are for; null: for every purpose.</param>
/// <param name="IssuedBy">Who downloaded them; null in events of before purposes.</param>
public sealed record CredentialsIssued(
    Guid VaultId,
    Guid CredentialsId,
    DateTimeOffset At,
    DateTimeOffset ExpiresAt,
    Guid? SubscriptionId = null,
    CredentialsPurpose? Purpose = null,
    string? IssuedBy = null);

/// <summary>Credentials open nothing any more.</summary>
public sealed record CredentialsRevoked(Guid VaultId, Guid SubscriptionId, Guid CredentialsId, DateTimeOffset At);

/// <summary>A credentials file that was downloaded, as the vault's events tell.</summary>
internal sealed record IssuedFile(CredentialsIssued Issued, DateTimeOffset? RevokedAt)
{
    public const string ByPlatform = "the platform operator";

    public const string BySubscription = "an operator of the subscription";

    private const string ByUnknown = "an operator";

    public static IReadOnlyList<CredentialsPurpose> PurposesOf(CredentialsIssued issued) =>
        issued.Purpose is { } only ? [only] : [CredentialsPurpose.Register, CredentialsPurpose.Recover];

    /// <summary>All of a vault, oldest first. Not in the vault's state, which would grow with every download.</summary>
    public static async Task<IReadOnlyList<IssuedFile>> OfVaultAsync(
        IQuerySession session, Guid vaultId, CancellationToken cancellationToken) =>
        Fold((await session.Events.FetchStreamAsync(vaultId, token: cancellationToken)).Select(committed => committed.Data));

    public static IReadOnlyList<IssuedFile> Fold(IEnumerable<object> facts)
    {
        var files = new List<IssuedFile>();
        foreach (var fact in facts)
        {
            if (fact is CredentialsIssued issued)
            {
                files.Add(new IssuedFile(issued, RevokedAt: null));
            }
            else if (fact is CredentialsRevoked revoked && files.FindIndex(file => file.Issued.CredentialsId == revoked.CredentialsId) is >= 0 and var at)
            {
                files[at] = files[at] with { RevokedAt = revoked.At };
            }
        }

        return files;
    }

    public CredentialsDocument ToDocument() => new(
        Issued.CredentialsId, Issued.VaultId, PurposesOf(Issued), Issued.IssuedBy ?? ByUnknown, Issued.At, Issued.ExpiresAt, RevokedAt);
}

internal static class CredentialsStore
{
    public static void AddCredentials(this StoreOptions store)
    {
        store.Events.MapEventType<CredentialsIssued>("credentials_issued");
        store.Events.MapEventType<CredentialsRevoked>("credentials_revoked");
    }
}
