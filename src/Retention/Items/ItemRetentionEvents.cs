using BackupPlatform.Platform.EventStore;
using Marten;

namespace BackupPlatform.RetentionService.Items;

/// <param name="SealedAt">When it was sealed, by the clock of the service that sealed it.</param>
/// <param name="At">When this service took it in.</param>
public sealed record PointNoted(
    Guid ItemId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    long Sequence,
    DateTimeOffset SealedAt,
    string TimeZone,
    DateTimeOffset At);

/// <summary>Tags or expiry of a point are these from now on.</summary>
public sealed record PointTagged(
    Guid ItemId,
    Guid VaultId,
    Guid MachineId,
    string Item,
    Guid RecoveryPointId,
    IReadOnlyList<string> Tags,
    DateTimeOffset ExpiresAt,
    DateTimeOffset At);

public sealed record PointExpired(Guid ItemId, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset At);

/// <param name="PurgeAt">Until when it can be undeleted.</param>
public sealed record PointDeleted(
    Guid ItemId, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset PurgeAt, DateTimeOffset At);

public sealed record PointUndeleted(Guid ItemId, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset At);

/// <summary>It was deleted, and the time to undelete it is over.</summary>
public sealed record PointPurged(Guid ItemId, Guid VaultId, Guid MachineId, string Item, Guid RecoveryPointId, DateTimeOffset At);

internal static class ItemRetentionStore
{
    public static void AddItemRetention(this StoreOptions store)
    {
        store.AddState<ItemRetention>();
        store.Schema.For<ItemRetention>().Duplicate(item => item.NextExpiry).Duplicate(item => item.NextPurge);
        store.Events.MapEventType<PointNoted>("point_noted");
        store.Events.MapEventType<PointTagged>("point_tagged");
        store.Events.MapEventType<PointExpired>("point_expired");
        store.Events.MapEventType<PointDeleted>("point_deleted");
        store.Events.MapEventType<PointUndeleted>("point_undeleted");
        store.Events.MapEventType<PointPurged>("point_purged");
    }
}
