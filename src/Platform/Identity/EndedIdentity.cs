using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using Marten;
using MassTransit;

namespace BackupPlatform.Platform.Identity;

/// <summary>A tombstone: tokens that stand on this open nothing any more, whatever comes late.</summary>
/// <param name="Id">A machine's, a vault's or some vault credentials'; ids of all kinds differ.</param>
/// <param name="Generation">Of a machine: identities up to this generation have ended. Of the others: <see cref="Whole"/>.</param>
public sealed record EndedIdentity(Guid Id, int Generation)
{
    /// <summary>All of it has ended, for good.</summary>
    public const int Whole = int.MaxValue;
}

/// <summary>Keeps what has ended. Only the highest generation counts, so that order and repetition of the news do not matter.</summary>
public static class EndedIdentities
{
    /// <summary>Notes an end in the session; a higher generation that is there already stays.</summary>
    public static async Task EndIdentityAsync(
        this IDocumentSession session, Guid id, int generation, CancellationToken cancellationToken)
    {
        var known = await session.LoadAsync<EndedIdentity>(id, cancellationToken);
        if (known is null || known.Generation < generation)
        {
            session.Store(new EndedIdentity(id, generation));
        }
    }

    internal static Task EndIdentityAsync(this IDocumentStore store, Guid id, int generation, CancellationToken cancellationToken) =>
        store.CommitAsync(
            async session =>
            {
                await session.EndIdentityAsync(id, generation, cancellationToken);
                return Decision.Nothing;
            },
            cancellationToken);
}

/// <summary>Hears of identities, credentials and vaults that have ended.</summary>
internal sealed class EndedIdentitiesConsumer(IDocumentStore store)
    : IConsumer<MachineReplaced>, IConsumer<MachineDeregistered>, IConsumer<VaultCredentialsRevoked>, IConsumer<VaultDeleted>
{
    public Task Consume(ConsumeContext<MachineReplaced> context) =>
        store.EndIdentityAsync(context.Message.StreamId, context.Message.Generation - 1, context.CancellationToken);

    public Task Consume(ConsumeContext<MachineDeregistered> context) =>
        store.EndIdentityAsync(context.Message.StreamId, context.Message.Generation, context.CancellationToken);

    public Task Consume(ConsumeContext<VaultCredentialsRevoked> context) =>
        store.EndIdentityAsync(context.Message.CredentialsId, EndedIdentity.Whole, context.CancellationToken);

    public Task Consume(ConsumeContext<VaultDeleted> context) =>
        store.EndIdentityAsync(context.Message.StreamId, EndedIdentity.Whole, context.CancellationToken);
}
