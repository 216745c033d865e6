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
public sealed record Machine(
    Guid Id,
    Guid VaultId,
    Guid SubscriptionId,
    string Name,
    byte[] IdentityKey,
    byte[] RecoveryKey,
    int KeyHeaderRevision,
    string TimeZone,
    DateTimeOffset RegisteredAt) : IEventSourced<Machine>
{
    public static Machine Fold(Machine? state, object fact) => fact switch
    {
        MachineEnrolled e => new(
            e.MachineId, e.VaultId, e.SubscriptionId, e.Name, e.IdentityKey, e.RecoveryKey, e.KeyHeaderRevision, e.TimeZone, e.At),
        _ => state!,
    };

    /// <summary>Whether the machine may come to be, or is already what it is asked to be.</summary>
    public static Decision Enroll(Machine? state, MachineEnrolled machine) => state switch
    {
        null => Decision.Append(machine),
        _ when state.VaultId == machine.VaultId && state.IdentityKey.AsSpan().SequenceEqual(machine.IdentityKey)
            && state.RecoveryKey.AsSpan().SequenceEqual(machine.RecoveryKey) => Decision.Nothing,
        _ => AlreadyRegistered,
    };

    /// <summary>The id is taken by a machine with other keys, or of another vault.</summary>
    public static Refusal AlreadyRegistered { get; } = new(
        ProblemCodes.MachineExists, "A machine of this id is registered already, with other keys; register with a new id.");

    /// <summary>The machine as operators see it.</summary>
    public MachineDocument ToDocument() => new(Id, VaultId, Name, TimeZone, MachineState.Registered, RegisteredAt, null);
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

internal static class MachineStore
{
    public static void AddMachines(this StoreOptions store)
    {
        store.AddState<Machine>();
        store.Schema.For<Machine>().Index(machine => machine.VaultId);
        store.Events.MapEventType<MachineEnrolled>("machine_enrolled");
    }
}
