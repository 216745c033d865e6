using System.Security.Cryptography;
using System.Text;
using Marten;

namespace BackupPlatform.RegistrationService.Tokens;

/// <summary>A nonce that has been answered where an answer counts once only.</summary>
/// <param name="Id">SHA-256 of the nonce, in hexadecimal.</param>
/// <param name="ForgetAt">When no nonce of that time holds any more.</param>
public sealed record UsedNonce(string Id, DateTimeOffset ForgetAt);

/// <summary>Lets a nonce be answered once, whichever replica is asked.</summary>
internal static class UsedNonces
{
    public static void AddUsedNonces(this StoreOptions store) => store.Schema.For<UsedNonce>().Index(nonce => nonce.ForgetAt);

    /// <summary>Uses a nonce up when the session commits; of two sessions that race for one, one commits.</summary>
    /// <returns>False where it was used before.</returns>
    public static async Task<bool> TryUseNonceAsync(
        this IDocumentSession session, string nonce, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nonce)));
        if (await session.LoadAsync<UsedNonce>(id, cancellationToken) is not null)
        {
            return false;
        }

        session.DeleteWhere<UsedNonce>(old => old.ForgetAt < now);
        session.Insert(new UsedNonce(id, now + (2 * Challenges.Lifetime)));
        return true;
    }
}
