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

/// <summary>What an operator sees of a protected machine.</summary>
public sealed record MachineDocument(Guid Id, Guid VaultId, string Name, string TimeZone, DateTimeOffset RegisteredAt);

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
