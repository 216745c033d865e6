using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;
using MassTransit;

namespace BackupPlatform.RestoreService.Points;

/// <summary>What this service knows of a recovery point, from two owners whose messages come in any order.</summary>
/// <param name="Id">The recovery point's.</param>
/// <param name="MachineId">Whose it is.</param>
/// <param name="Expired">A tombstone: whatever comes later, it cannot be restored.</param>
/// <param name="SubscriptionId">Null until it was heard that it was sealed.</param>
/// <param name="VaultId">Null until it was heard that it was sealed.</param>
/// <param name="DeletionVersion">The newest version of the item's retention that said whether it is deleted.</param>
/// <param name="PurgeAt">Deleted, and can be undeleted until then; null otherwise.</param>
/// <param name="Purged">A tombstone: deleted for good.</param>
public sealed record RestorablePoint(
    Guid Id,
    Guid MachineId,
    bool Expired,
    Guid? SubscriptionId = null,
    Guid? VaultId = null,
    long DeletionVersion = 0,
    DateTimeOffset? PurgeAt = null,
    bool Purged = false)
{
    /// <summary>Why no restore of it can begin; null where one can.</summary>
    public Refusal? Refusal => this switch
    {
        { Purged: true } => new(ProblemCodes.Conflict, "The recovery point was deleted for good; choose another one."),
        { Expired: true } => new(
            ProblemCodes.Conflict, "The retention of this recovery point has ended; choose a later recovery point."),
        { PurgeAt: { } until } => new(
            ProblemCodes.Conflict,
            $"The recovery point was deleted; an operator can undelete it until {until.UtcDateTime:yyyy-MM-dd HH:mm} UTC."),
        _ => null,
    };

    /// <summary>It was sealed.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointCreated fact) =>
        (known ?? Unknown(fact.RecoveryPointId, fact.MachineId)) with { SubscriptionId = fact.SubscriptionId, VaultId = fact.VaultId };

    /// <summary>Its retention has ended.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointExpired fact) =>
        (known ?? Unknown(fact.RecoveryPointId, fact.MachineId)) with { Expired = true };

    /// <summary>An operator deleted it.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointDeleted fact) =>
        (known ?? Unknown(fact.RecoveryPointId, fact.MachineId)).WithDeletion(fact.Version, fact.PurgeAt);

    /// <summary>An operator took the deletion back.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointRestored fact) =>
        (known ?? Unknown(fact.RecoveryPointId, fact.MachineId)).WithDeletion(fact.Version, purgeAt: null);

    /// <summary>It is deleted for good.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointPurged fact) =>
        (known ?? Unknown(fact.RecoveryPointId, fact.MachineId)) with { Purged = true };

    private static RestorablePoint Unknown(Guid id, Guid machineId) => new(id, machineId, Expired: false);

    private RestorablePoint WithDeletion(long version, DateTimeOffset? purgeAt) =>
        version > DeletionVersion ? this with { DeletionVersion = version, PurgeAt = purgeAt } : this;
}

/// <summary>Hears of new recovery points.</summary>
internal sealed class RecoveryPointCreatedConsumer(IDocumentStore store) : IConsumer<RecoveryPointCreated>
{
    public Task Consume(ConsumeContext<RecoveryPointCreated> context) => store.ChangePointAsync(
        context.Message.RecoveryPointId, known => RestorablePoint.Apply(known, context.Message), context.CancellationToken);
}

/// <summary>Hears of recovery points that are no more.</summary>
internal sealed class RecoveryPointExpiredConsumer(IDocumentStore store) : IConsumer<RecoveryPointExpired>
{
    public Task Consume(ConsumeContext<RecoveryPointExpired> context) => store.ChangePointAsync(
        context.Message.RecoveryPointId, known => RestorablePoint.Apply(known, context.Message), context.CancellationToken);
}

/// <summary>Hears of recovery points that operators deleted.</summary>
internal sealed class RecoveryPointDeletedConsumer(IDocumentStore store) : IConsumer<RecoveryPointDeleted>
{
    public Task Consume(ConsumeContext<RecoveryPointDeleted> context) => store.ChangePointAsync(
        context.Message.RecoveryPointId, known => RestorablePoint.Apply(known, context.Message), context.CancellationToken);
}

/// <summary>Hears of deletions that operators took back.</summary>
internal sealed class RecoveryPointRestoredConsumer(IDocumentStore store) : IConsumer<RecoveryPointRestored>
{
    public Task Consume(ConsumeContext<RecoveryPointRestored> context) => store.ChangePointAsync(
        context.Message.RecoveryPointId, known => RestorablePoint.Apply(known, context.Message), context.CancellationToken);
}

/// <summary>Hears of recovery points that are deleted for good.</summary>
internal sealed class RecoveryPointPurgedConsumer(IDocumentStore store) : IConsumer<RecoveryPointPurged>
{
    public Task Consume(ConsumeContext<RecoveryPointPurged> context) => store.ChangePointAsync(
        context.Message.RecoveryPointId, known => RestorablePoint.Apply(known, context.Message), context.CancellationToken);
}

internal static class RestorablePoints
{
    /// <summary>Optimistic, so that of creation and expiry racing each other neither is lost.</summary>
    public static void AddRestorablePoints(this StoreOptions store) => store.Schema.For<RestorablePoint>().UseOptimisticConcurrency(true);

    public static Task ChangePointAsync(
        this IDocumentStore store, Guid pointId, Func<RestorablePoint?, RestorablePoint> apply, CancellationToken cancellationToken) =>
        store.CommitAsync(
            async session =>
            {
                var known = await session.LoadAsync<RestorablePoint>(pointId, cancellationToken);
                if (apply(known) is var changed && changed != known)
                {
                    session.Store(changed);
                }

                return Decision.Nothing;
            },
            cancellationToken);
}
