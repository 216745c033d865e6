using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>A protected machine and the public halves of its keys.</summary>
/// <param name="IdentityKey">Ed25519, 32 bytes: the machine's tokens are given against it.</param>
/// <param name="RecoveryKey">Ed25519, 32 bytes: whoever unwraps the master key holds its other half.</param>
/// <param name="KeyHeaderRevision">Which of the machine's key headers counts; the first is 1.</param>
/// <param name="TimeZone">IANA name.</param>
/// <param name="Generation">Of the identity: 1 for the registration, one more with each replacement.</param>
/// <param name="DeregisteredAt">Null while the machine has an identity.</param>
/// <param name="EndedKeys">The identity keys that were replaced last, newest first; null: none.</param>
/// <param name="KeyHeaderHash">SHA-256 in hexadecimal of the key header that counts; null for the registration's.</param>
/// <param name="HasOldKeyHeaders">Whether key headers that count no more may still be there.</param>
public sealed record Machine(
    Guid Id,
    Guid VaultId,
    Guid SubscriptionId,
    string Name,
    byte[] IdentityKey,
    byte[] RecoveryKey,
    int KeyHeaderRevision,
    string TimeZone,
    DateTimeOffset RegisteredAt,
    int Generation = 1,
    DateTimeOffset? DeregisteredAt = null,
    IReadOnlyList<byte[]>? EndedKeys = null,
    string? KeyHeaderHash = null,
    bool HasOldKeyHeaders = false) : IEventSourced<Machine>
{
    private const int MaxEndedKeys = 8;

    public static Machine Fold(Machine? state, object fact) => fact switch
    {
        MachineEnrolled e => new(
            e.MachineId, e.VaultId, e.SubscriptionId, e.Name, e.IdentityKey, e.RecoveryKey, e.KeyHeaderRevision, e.TimeZone, e.At),
        MachineTakenOver e => state! with
        {
            IdentityKey = e.IdentityKey,
            TimeZone = e.TimeZone,
            Generation = e.Generation,
            DeregisteredAt = null,
            EndedKeys = [state.IdentityKey, .. (state.EndedKeys ?? []).Take(MaxEndedKeys - 1)],
        },
        MachineDismissed e => state! with { DeregisteredAt = e.At },
        KeyHeaderChanged e => state! with { KeyHeaderRevision = e.Revision, KeyHeaderHash = e.Hash, HasOldKeyHeaders = true },
        OldKeyHeadersRemoved e when e.Revision == state!.KeyHeaderRevision => state with { HasOldKeyHeaders = false },
        _ => state!,
    };

    /// <summary>Whether the machine may come to be, or is already what it is asked to be.</summary>
    public static Decision Enroll(Machine? state, MachineEnrolled machine) => state switch
    {
        null => Decision.Append(machine),
        _ when state.VaultId != machine.VaultId || !state.IdentityKey.AsSpan().SequenceEqual(machine.IdentityKey)
            || !state.RecoveryKey.AsSpan().SequenceEqual(machine.RecoveryKey) => AlreadyRegistered,
        { DeregisteredAt: not null } => new Refusal(
            ProblemCodes.MachineExists, "A machine of this id was deregistered; register with a new id, or take the old machine over."),
        _ => Decision.Nothing,
    };

    /// <summary>Whether a new identity takes the machine over; one that did before changes nothing.</summary>
    public static Decision TakeOver(Machine? state, byte[] identityKey, string timeZone, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("machine"),
        { DeregisteredAt: null } when state.IdentityKey.AsSpan().SequenceEqual(identityKey) => Decision.Nothing,
        _ => Decision.Append(new MachineTakenOver(
            state.Id, state.VaultId, state.SubscriptionId, state.Name, identityKey, timeZone, state.Generation + 1, now)),
    };

    /// <summary>The machine has no identity any more, or has none already.</summary>
    public static Decision Dismiss(Machine? state, DateTimeOffset now) => state switch
    {
        null => Refusal.NotFound("machine"),
        { DeregisteredAt: not null } => Decision.Nothing,
        _ => Decision.Append(new MachineDismissed(state.Id, state.VaultId, state.SubscriptionId, state.Generation, now)),
    };

    /// <summary>Whether a key header comes to count; the one that counts already does.</summary>
    /// <param name="hash">SHA-256 in hexadecimal.</param>
    public static Decision ChangeKeyHeader(Machine? state, int revision, string hash, DateTimeOffset now) => state switch
    {
        null or { DeregisteredAt: not null } => Refusal.NotFound("machine"),
        _ when revision == state.KeyHeaderRevision && hash == state.KeyHeaderHash => Decision.Nothing,
        _ when revision != state.KeyHeaderRevision + 1 => new Refusal(
            ProblemCodes.Conflict,
            $"The key header that counts is revision {state.KeyHeaderRevision}, and the next is {state.KeyHeaderRevision + 1}; "
            + "read it and change the passphrase again."),
        _ => Decision.Append(new KeyHeaderChanged(state.Id, revision, hash, now)),
    };

    /// <summary>The id is taken by a machine with other keys, or of another vault.</summary>
    public static Refusal AlreadyRegistered { get; } = new(
        ProblemCodes.MachineExists, "A machine of this id is registered already, with other keys; register with a new id.");

    /// <summary>The machine as operators see it.</summary>
    public MachineDocument ToDocument() => new(
        Id, VaultId, Name, TimeZone, DeregisteredAt is null ? MachineState.Registered : MachineState.Deregistered, RegisteredAt, DeregisteredAt);
}

public sealed record MachineEnrolled(
    Guid MachineId,
    Guid VaultId,
    Guid SubscriptionId,
    string Name,
    byte[] IdentityKey,
    byte[] RecoveryKey,
    int KeyHeaderRevision,
    string TimeZone,
    DateTimeOffset At);

/// <summary>A new identity has replaced the machine's old one, which has ended.</summary>
public sealed record MachineTakenOver(
    Guid MachineId,
    Guid VaultId,
    Guid SubscriptionId,
    string Name,
    byte[] IdentityKey,
    string TimeZone,
    int Generation,
    DateTimeOffset At);

/// <summary>The machine was deregistered: identities up to this generation have ended.</summary>
public sealed record MachineDismissed(Guid MachineId, Guid VaultId, Guid SubscriptionId, int Generation, DateTimeOffset At);

/// <summary>Another key header counts from now on; it was durable before.</summary>
public sealed record KeyHeaderChanged(Guid MachineId, int Revision, string Hash, DateTimeOffset At);

/// <summary>All key headers before this revision are gone from the store.</summary>
public sealed record OldKeyHeadersRemoved(Guid MachineId, int Revision, DateTimeOffset At);

internal static class MachineStore
{
    public static void AddMachines(this StoreOptions store)
    {
        store.AddState<Machine>();
        store.Schema.For<Machine>().Index(machine => machine.VaultId);
        store.Events.MapEventType<MachineEnrolled>("machine_enrolled");
        store.Events.MapEventType<MachineTakenOver>("machine_taken_over");
        store.Events.MapEventType<MachineDismissed>("machine_dismissed");
        store.Events.MapEventType<KeyHeaderChanged>("key_header_changed");
        store.Events.MapEventType<OldKeyHeadersRemoved>("old_key_headers_removed");
    }
}
