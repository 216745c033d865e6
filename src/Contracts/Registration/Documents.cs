using System.Globalization;
using System.Security.Cryptography;

namespace BackupPlatform.Contracts.Registration;

/// <summary>Registers a machine. Sent again with the same id and key it answers as the first time.</summary>
/// <param name="Credentials">The whole vault credentials file.</param>
/// <param name="MachineId">UUIDv7 made by the agent.</param>
/// <param name="Name">1 to 64 characters, one machine of a vault bears it.</param>
/// <param name="IdentityPublicKey">Ed25519, 32 bytes.</param>
/// <param name="RecoveryPublicKey">Ed25519, 32 bytes: whoever unwraps the master key holds its other half.</param>
/// <param name="KeyHeader">The wrapped master key, opaque to the platform, at most 4 KiB.</param>
/// <param name="TimeZone">IANA name.</param>
public sealed record RegisterMachine(
    string? Credentials,
    Guid MachineId,
    string? Name,
    byte[]? IdentityPublicKey,
    byte[]? RecoveryPublicKey,
    byte[]? KeyHeader,
    string? TimeZone);

/// <summary>Where an agent finds the services it talks to: every replica's address.</summary>
public sealed record AgentEndpoints(IReadOnlyList<Uri> Registration, IReadOnlyList<Uri> Ingest, IReadOnlyList<Uri> Restore);

public sealed record RegisteredMachineDocument(
    Guid Id, Guid VaultId, Guid SubscriptionId, string VaultName, string Name, AgentEndpoints Endpoints);

/// <summary>Registered: its agent has an identity. Deregistered: it has none any more; its recovery points stay.</summary>
public enum MachineState
{
    Registered,
    Deregistered,
}

/// <summary>What an operator sees of a protected machine.</summary>
/// <param name="DeregisteredAt">Null while it is registered.</param>
public sealed record MachineDocument(
    Guid Id,
    Guid VaultId,
    string Name,
    string TimeZone,
    MachineState State,
    DateTimeOffset RegisteredAt,
    DateTimeOffset? DeregisteredAt);

/// <param name="Nonce">To be signed and sent back before it expires; opaque.</param>
public sealed record TokenChallenge(string Nonce, DateTimeOffset ExpiresAt);

/// <param name="Nonce">As challenged.</param>
/// <param name="Signature">Ed25519 of <see cref="MachineTokenChallenge.Message"/> with the machine's identity key, 64 bytes.</param>
public sealed record RequestToken(string? Nonce, byte[]? Signature);

/// <summary>A short-lived token, and where the services are just now.</summary>
public sealed record MachineToken(string Token, DateTimeOffset ExpiresAt, AgentEndpoints Endpoints);

/// <summary>What a machine signs to be given a token.</summary>
public static class MachineTokenChallenge
{
    /// <summary>The exact text that is signed, in UTF-8.</summary>
    public static string Message(Guid machineId, string nonce) => $"backup-platform machine token v1\n{machineId:D}\n{nonce}";
}

/// <summary>Asks for what is needed to prove, elsewhere than on the machine itself, that one knows its passphrase.</summary>
/// <param name="Credentials">The whole vault credentials file of the machine's vault.</param>
/// <param name="Machine">The machine's name, or its id; of several that bore the name, the registered one, else the newest.</param>
public sealed record OpenRecovery(string? Credentials, string? Machine);

/// <summary>The wrapped master key of a machine, and what to sign with the recovery key that only the unwrapped one yields.</summary>
/// <param name="KeyHeader">Opaque to the platform; opens with the passphrase alone.</param>
/// <param name="Nonce">To be signed and sent back before it expires; opaque.</param>
public sealed record RecoveryChallenge(
    Guid MachineId, string MachineName, byte[] KeyHeader, int KeyHeaderRevision, string Nonce, DateTimeOffset ExpiresAt);

/// <summary>Asks for a token that reads a machine's recovery points from elsewhere.</summary>
/// <param name="Credentials">The whole vault credentials file; its purpose must include recovery.</param>
/// <param name="Nonce">As challenged.</param>
/// <param name="Signature">Ed25519 of <see cref="RecoveryProofs.Token"/> with the recovery key, 64 bytes.</param>
/// <param name="PreviousToken">
/// The session's last token, or null for a new session. A session of the same credentials goes on for 7 days although they expire,
/// so that a running restore ends; it starts nothing new then.
/// </param>
public sealed record RequestRecoveryToken(string? Credentials, string? Nonce, byte[]? Signature, string? PreviousToken);

/// <summary>Takes over a machine with a new identity; the old one ends. Sent again with the same key it answers as the first time.</summary>
/// <param name="Credentials">The whole vault credentials file; its purpose must include registration.</param>
/// <param name="Nonce">As challenged.</param>
/// <param name="Signature">Ed25519 of <see cref="RecoveryProofs.Replacement"/> with the recovery key, 64 bytes.</param>
/// <param name="IdentityPublicKey">The new identity: Ed25519, 32 bytes.</param>
/// <param name="TimeZone">IANA name.</param>
public sealed record ReplaceMachine(
    string? Credentials, string? Nonce, byte[]? Signature, byte[]? IdentityPublicKey, string? TimeZone);

/// <summary>Wraps the master key anew: the passphrase has changed. Sent again it answers as the first time.</summary>
/// <param name="Revision">The one that counts now, plus one.</param>
/// <param name="KeyHeader">At most 4 KiB.</param>
/// <param name="Signature">Ed25519 of <see cref="RecoveryProofs.KeyHeader"/> with the recovery key, 64 bytes.</param>
public sealed record ChangeKeyHeader(int Revision, byte[]? KeyHeader, byte[]? Signature);

/// <summary>The key header that counts.</summary>
public sealed record KeyHeaderDocument(int Revision, byte[] KeyHeader);

/// <summary>What is signed with a machine's recovery key; the exact texts, in UTF-8.</summary>
public static class RecoveryProofs
{
    /// <summary>To read the machine's recovery points from elsewhere.</summary>
    public static string Token(Guid machineId, string nonce) => $"backup-platform recovery token v1\n{machineId:D}\n{nonce}";

    /// <summary>To take the machine over.</summary>
    public static string Replacement(Guid machineId, string nonce, ReadOnlySpan<byte> identityPublicKey) =>
        $"backup-platform machine replacement v1\n{machineId:D}\n{nonce}\n{Convert.ToHexStringLower(identityPublicKey)}";

    /// <summary>To change the passphrase.</summary>
    /// <param name="keyHeader">The new key header, whole.</param>
    public static string KeyHeader(Guid machineId, int revision, ReadOnlySpan<byte> keyHeader) => string.Create(
        CultureInfo.InvariantCulture,
        $"backup-platform key header v1\n{machineId:D}\n{revision}\n{Convert.ToHexStringLower(SHA256.HashData(keyHeader))}");
}
