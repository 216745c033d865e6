using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Vaults;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;

namespace BackupPlatform.RegistrationService.Credentials;

/// <summary>Checks vault credentials that somebody shows. Nobody else is asked: what was revoked has been heard of over the bus.</summary>
internal sealed class ShownCredentials(IDocumentStore store, TokenVerifier verifier, IdentityGate gate, TimeProvider clock)
{
    /// <param name="xml">The whole file.</param>
    /// <param name="purpose">What they are shown for; null: any purpose will do.</param>
    /// <param name="stop">Ends the check.</param>
    /// <param name="evenExpired">Whether they may have expired; nothing else is forgiven.</param>
    /// <returns>What the file says, and its vault.</returns>
    /// <exception cref="RefusedException">They open nothing here.</exception>
    public async Task<(VaultCredentialsFile File, KnownVault Vault)> CheckAsync(
        string xml, CredentialsPurpose? purpose, CancellationToken stop, bool evenExpired = false)
    {
        var (file, refusal) = await verifier.VerifyAsync(xml, stop, evenExpired);
        if (file is null)
        {
            throw new RefusedException(refusal!);
        }

        if (await gate.HasEndedAsync(file.CredentialsId, EndedIdentity.Whole, stop))
        {
            throw new RefusedException(new Refusal(
                ProblemCodes.CredentialsRevoked, "These vault credentials were revoked; ask an operator for others."));
        }

        if (purpose is { } needed && !file.IsFor(needed))
        {
            throw new RefusedException(Refusal.Forbidden(needed == CredentialsPurpose.Register
                ? "These vault credentials are for recovery alone; download some that are for registration."
                : "These vault credentials are for registration alone; download some that are for recovery."));
        }

        return (file, await VaultAsync(file.VaultId, stop));
    }

    private async Task<KnownVault> VaultAsync(Guid vaultId, CancellationToken stop) =>
        await store.AwaitVaultAsync(vaultId, clock, stop) switch
        {
            null => throw new RefusedException(
                Refusal.Unavailable("The vault of these credentials is not known here yet; try again in a moment.")),
            { State: KnownVaultState.Deleted } => throw new RefusedException(VaultRoster.VaultDeleted),
            { State: KnownVaultState.Closing } => throw new RefusedException(new Refusal(
                ProblemCodes.Conflict, "The vault of these credentials is being deleted; use another vault, or try again if it stays.")),
            var vault => vault,
        };
}
