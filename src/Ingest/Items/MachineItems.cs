using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.IngestService.Items;

/// <summary>A machine's items: guards how many.</summary>
/// <param name="Id">The machine's.</param>
public sealed record MachineItems(Guid Id, IReadOnlyList<string> Items) : IEventSourced<MachineItems>
{
    public static MachineItems Fold(MachineItems? state, object fact) => fact switch
    {
        ItemAdded e => new(e.MachineId, [.. state?.Items ?? [], e.Item]),
        _ => state!,
    };

    /// <summary>Whether the machine may back up this item; a new one counts against the limit.</summary>
    public static Decision Use(MachineItems? state, Guid machineId, string item, int limit, DateTimeOffset now)
    {
        var items = state?.Items ?? [];
        return items.Contains(item) ? Decision.Nothing
            : items.Count >= limit ? new Refusal(
                ProblemCodes.ItemLimit,
                $"The machine has {items.Count} items, the most it may have; use one of them, or ask the platform's operator for more.")
            : Decision.Append(new ItemAdded(machineId, item, now));
    }
}

public sealed record ItemAdded(Guid MachineId, string Item, DateTimeOffset At);
