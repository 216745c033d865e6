using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>The machines of one vault: guards how many there are and that no two bear one name. Its stream is the vault's id.</summary>
/// <param name="Machines">Those that have an identity.</param>
/// <param name="Closed">Whether the vault was deleted: it takes no machine any more.</param>
public sealed record VaultRoster(Guid Id, IReadOnlyList<RosterEntry> Machines, bool Closed = false) : IEventSourced<VaultRoster>
{
    public static VaultRoster Fold(VaultRoster? state, object fact) => fact switch
    {
        MachineAdded e => new(e.VaultId, [.. state?.Machines ?? [], new RosterEntry(e.MachineId, e.Name)], state?.Closed ?? false),
        MachineReleased e => state! with { Machines = [.. state.Machines.Where(entry => entry.Id != e.MachineId)] },
        RosterClosed e => new(e.VaultId, [], Closed: true),
        _ => state!,
    };

    /// <summary>Whether one more machine of this name may be registered with the vault.</summary>
    /// <param name="state">Null: the vault has no machine yet.</param>
    /// <param name="limit">The most machines of a vault.</param>
    public static Decision Add(VaultRoster? state, MachineAdded machine, int limit)
    {
        var present = state?.Machines ?? [];
        return machine switch
        {
            _ when state is { Closed: true } => VaultDeleted,
            _ when present.Any(entry => entry.Id == machine.MachineId) => Decision.Nothing,
            _ when present.Any(entry => entry.Name == machine.Name) => new Refusal(
                ProblemCodes.MachineExists, $"The vault already has a machine named '{machine.Name}'; choose another name."),
            _ when present.Count >= limit => new Refusal(
                ProblemCodes.MachineLimit,
                $"The vault protects {present.Count} machines, the most it may; use another vault, or ask the platform's operator for more."),
            _ => Decision.Append(machine),
        };
    }

    /// <summary>A machine that has no identity any more leaves its place and its name to others.</summary>
    public static Decision Release(VaultRoster? state, Guid machineId, DateTimeOffset now) =>
        state is not null && state.Machines.Any(entry => entry.Id == machineId)
            ? Decision.Append(new MachineReleased(state.Id, machineId, now))
            : Decision.Nothing;

    /// <summary>The vault was deleted.</summary>
    public static Decision Close(VaultRoster? state, Guid vaultId, DateTimeOffset now) =>
        state is { Closed: true } ? Decision.Nothing : Decision.Append(new RosterClosed(vaultId, now));

    /// <summary>The refusal of everything that a deleted vault was for.</summary>
    public static Refusal VaultDeleted { get; } = new(
        ProblemCodes.CredentialsRevoked, "The vault of these credentials was deleted; use credentials of another vault.");
}

/// <summary>A machine as its vault's roster knows it.</summary>
public sealed record RosterEntry(Guid Id, string Name);

public sealed record MachineAdded(Guid VaultId, Guid MachineId, string Name, DateTimeOffset At);

public sealed record MachineReleased(Guid VaultId, Guid MachineId, DateTimeOffset At);

public sealed record RosterClosed(Guid VaultId, DateTimeOffset At);

internal static class VaultRosterStore
{
    public static void AddVaultRosters(this StoreOptions store)
    {
        store.AddState<VaultRoster>();
        store.Events.MapEventType<MachineAdded>("machine_added");
        store.Events.MapEventType<MachineReleased>("machine_released");
        store.Events.MapEventType<RosterClosed>("roster_closed");
    }
}
