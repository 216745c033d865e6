using System.Text;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Registration;

/// <summary>
/// The keys of a machine, unwrapped with its passphrase elsewhere than in its home. A wrong passphrase ends it here, before the
/// platform hears of any proof.
/// </summary>
internal sealed class RecoveredKeys : IDisposable
{
    private readonly ShownCredentials _credentials;
    private readonly MasterKey _masterKey;
    private bool _nonceUsed;

    private RecoveredKeys(ShownCredentials credentials, RecoveryChallenge challenge, MasterKey masterKey)
    {
        (_credentials, Challenge, _masterKey) = (credentials, challenge, masterKey);
        Ring = new KeyRing(masterKey, challenge.MachineId);
    }

    public RecoveryChallenge Challenge { get; }

    public KeyRing Ring { get; }

    /// <summary>A copy that is the caller's.</summary>
    public byte[] MasterKey => _masterKey.Bytes.ToArray();

    /// <exception cref="AgentException">The credentials were refused, or there is no such machine.</exception>
    /// <exception cref="WrongPassphraseException">The passphrase is not the machine's.</exception>
    /// <exception cref="DamagedDataException">The key header is not one that this agent would use, a weak one among them.</exception>
    public static async Task<RecoveredKeys> OpenAsync(
        PlatformClient client, ShownCredentials credentials, string machine, string passphrase, CancellationToken cancellation)
    {
        var challenge = await ChallengeAsync(client, credentials, machine, cancellation);
        return new RecoveredKeys(
            credentials, challenge, KeyHeader.Parse(challenge.KeyHeader).Unwrap(passphrase, challenge.MachineId));
    }

    /// <summary>Asks for a token to read with; a later one goes on with the session of the last.</summary>
    public async Task<MachineToken> RequestTokenAsync(RegistrationCalls calls, string? last, CancellationToken cancellation)
    {
        if (!_nonceUsed)
        {
            _nonceUsed = true;
            try
            {
                return await RequestTokenAsync(calls, Challenge.Nonce, last, cancellation);
            }
            catch (AgentException e) when (e.Code == ProblemCodes.Unauthenticated)
            {
                // Its answer was lost and it counts once only, or somebody was slow: the proof itself is right.
            }
        }

        return await RequestTokenAsync(calls, await calls.ChallengeAsync(Challenge.MachineId, cancellation), last, cancellation);
    }

    /// <summary>Gives the machine a new identity.</summary>
    public Task<RegisteredMachineDocument> ReplaceAsync(
        RegistrationCalls calls, byte[] identityPublicKey, string timeZone, CancellationToken cancellation)
    {
        var proof = RecoveryProofs.Replacement(Challenge.MachineId, Challenge.Nonce, identityPublicKey);
        var signature = Ring.SignRecovery(Encoding.UTF8.GetBytes(proof));
        return calls.ReplaceAsync(
            Challenge.MachineId,
            new ReplaceMachine(_credentials.Text, Challenge.Nonce, signature, identityPublicKey, timeZone),
            cancellation);
    }

    public void Dispose()
    {
        Ring.Dispose();
        _masterKey.Dispose();
    }

    private Task<MachineToken> RequestTokenAsync(RegistrationCalls calls, string nonce, string? last, CancellationToken cancellation)
    {
        var signature = Ring.SignRecovery(Encoding.UTF8.GetBytes(RecoveryProofs.Token(Challenge.MachineId, nonce)));
        return calls.RequestRecoveryTokenAsync(
            Challenge.MachineId, new RequestRecoveryToken(_credentials.Text, nonce, signature, last), cancellation);
    }

    private static async Task<RecoveryChallenge> ChallengeAsync(
        PlatformClient client, ShownCredentials credentials, string machine, CancellationToken cancellation)
    {
        try
        {
            return await new RegistrationCalls(client).OpenRecoveryAsync(new OpenRecovery(credentials.Text, machine), cancellation);
        }
        catch (AgentException e) when (e.Code == ProblemCodes.NotFound)
        {
            throw AgentException.Failed(
                $"There is no machine '{machine}' in the vault '{credentials.Fields.VaultName}'. Ask the vault's operator for its name.",
                ProblemCodes.NotFound);
        }
    }
}
