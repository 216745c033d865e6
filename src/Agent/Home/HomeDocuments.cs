using System.Text.Json.Serialization;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Home;

/// <summary>
/// What a registration made, kept before the platform hears of it: asked again after a crash, it is the same registration.
/// </summary>
/// <param name="MachineId">UUIDv7.</param>
/// <param name="IdentityKey">The Ed25519 private key that the machine proves itself with.</param>
/// <param name="MasterKey">What every key of the machine's backups derives from; never leaves the home.</param>
/// <param name="KeyHeader">The master key, wrapped with the passphrase; this the platform keeps.</param>
internal sealed record PendingRegistration(Guid MachineId, byte[] IdentityKey, byte[] MasterKey, byte[] KeyHeader);

/// <summary>What a take-over made, kept before the platform hears of it: asked again after a crash, it is the same one.</summary>
/// <param name="IdentityKey">The new Ed25519 private key.</param>
internal sealed record PendingReplacement(Guid MachineId, byte[] IdentityKey);

/// <summary>The master key, wrapped with a new passphrase that the platform has perhaps not heard of.</summary>
internal sealed record PendingKeyHeader(int Revision, byte[] KeyHeader);

/// <summary>A registered machine.</summary>
internal sealed record Machine(
    Guid Id,
    string Name,
    Guid VaultId,
    string VaultName,
    Guid SubscriptionId,
    DateTimeOffset RegisteredAt,
    byte[] IdentityKey,
    byte[] MasterKey,
    byte[] KeyHeader);

/// <summary>The newest recovery point of an item that this home has seen: the platform must never offer an older one or another.</summary>
/// <param name="ManifestHash">SHA-256 of the sealed manifest.</param>
internal sealed record Head(long Sequence, byte[] ManifestHash);

/// <summary>The agent's own files, as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(PendingRegistration))]
[JsonSerializable(typeof(PendingReplacement))]
[JsonSerializable(typeof(PendingKeyHeader))]
[JsonSerializable(typeof(Machine))]
[JsonSerializable(typeof(AgentEndpoints))]
[JsonSerializable(typeof(Dictionary<string, Head>))]
internal sealed partial class HomeJson : JsonSerializerContext;
