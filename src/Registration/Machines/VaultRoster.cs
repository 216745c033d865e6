using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>The machines of one vault: guards how many there are and that no two bear one name. Its stream is the vault's id.</summary>
public sealed record VaultRoster(Guid Id, IReadOnlyList<RosterEntry> Machines) : IEventSourced<VaultRoster>
{
    public static VaultRoster Fold(VaultRoster? state, object fact) => fact switch
    {
        MachineAdded e => new(e.VaultId, [.. state?.Machines ?? [], new RosterEntry(e.MachineId, e.Name)]),
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
            _ when present.Any(entry => entry.Id == machine.MachineId) => Decision.Nothing,
            _ when present.Any(entry => entry.Name == machine.Name) => new Refusal(
                ProblemCodes.MachineExists, $"The vault already has a machine named '{machine.Name}'; choose another name."),
            _ when present.Count >= limit => new Refusal(
                ProblemCodes.MachineLimit,
                $"The vault protects {present.Count} machines, the most it may; use another vault, or ask the platform's operator for more."),
            _ => Decision.Append(machine),
        };
    }
}

/// <summary>A machine as its vault's roster knows it.</summary>
public sealed record RosterEntry(Guid Id, string Name);

public sealed record MachineAdded(Guid VaultId, Guid MachineId, string Name, DateTimeOffset At);

internal static class VaultRosterStore
{
    public static void AddVaultRosters(this StoreOptions store)
    {
        store.AddState<VaultRoster>();
        store.Events.MapEventType<MachineAdded>("machine_added");
    }
}
