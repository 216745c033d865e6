using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Platform.EventStore;
using Marten;
using MassTransit;

namespace BackupPlatform.RestoreService.Points;

/// <summary>What this service knows of a recovery point, from two owners whose messages come in any order.</summary>
/// <param name="Id">The recovery point's.</param>
/// <param name="MachineId">Whose it is.</param>
/// <param name="Expired">A tombstone: whatever comes later, it cannot be restored.</param>
public sealed record RestorablePoint(Guid Id, Guid MachineId, bool Expired)
{
    /// <summary>It was sealed.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointCreated fact) =>
        known ?? new(fact.RecoveryPointId, fact.MachineId, Expired: false);

    /// <summary>Its retention has ended.</summary>
    public static RestorablePoint Apply(RestorablePoint? known, RecoveryPointExpired fact) =>
        (known ?? new(fact.RecoveryPointId, fact.MachineId, Expired: true)) with { Expired = true };
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
