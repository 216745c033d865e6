using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Tokens;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RegistrationService.Recovery;

/// <summary>Checks that somebody holds a machine's recovery key, and so its unwrapped master key, and so its passphrase.</summary>
internal sealed class RecoveryProof(IDocumentStore store, Challenges challenges, TimeProvider clock)
{
    private static readonly Refusal Refused = new(
        ProblemCodes.Unauthenticated,
        "The challenge has not been answered with this machine's recovery key in time; ask for a new challenge and answer it once.");

    /// <param name="vaultId">The vault that the credentials are for; another's machine answers like none.</param>
    /// <param name="text">What must have been signed.</param>
    /// <exception cref="RefusedException">There is no such machine, or the proof does not hold.</exception>
    public async Task<Machine> CheckAsync(
        Guid machineId, Guid vaultId, string nonce, byte[] signature, string text, CancellationToken cancellationToken)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<Machine>(machineId, cancellationToken) switch
        {
            { } machine when machine.VaultId == vaultId => challenges.Holds(machineId, nonce) && Proofs.Holds(machine.RecoveryKey, text, signature)
                ? machine
                : throw new RefusedException(Refused),
            _ => throw new RefusedException(Refusal.NotFound("machine")),
        };
    }

    /// <summary>Uses the nonce up in the session, or refuses one that is.</summary>
    public async Task<Decision> UseAsync(IDocumentSession session, string nonce, CancellationToken cancellationToken) =>
        await session.TryUseNonceAsync(nonce, clock.GetUtcNow(), cancellationToken) ? Decision.Nothing : Refused;
}
