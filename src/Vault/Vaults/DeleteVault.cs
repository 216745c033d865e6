using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.VaultService.Subscriptions;
using Marten;
using MassTransit;

namespace BackupPlatform.VaultService.Vaults;

internal static class DeleteVaultEndpoint
{
    public static void MapDeleteVault(this WebApplication app) =>
        app.MapDelete("/api/vaults/{vaultId:guid}", HandleAsync)
            .Produces(StatusCodes.Status204NoContent)
            .Produces(StatusCodes.Status202Accepted);

    /// <remarks>
    /// Ingest alone knows whether the vault holds recovery points. What has begun goes on without this request; one that comes again
    /// waits for the same outcome.
    /// </remarks>
    private static async Task<IResult> HandleAsync(Guid vaultId, HttpContext http, IDocumentStore store, TimeProvider clock)
    {
        if (await ReadVaultsEndpoints.FindAsync(store, http, vaultId) is null)
        {
            return Refusal.NotFound("vault").ToResult();
        }

        var begun = await store.CommitAsync(session => CloseAsync(session, vaultId, clock.GetUtcNow(), http.RequestAborted), http.RequestAborted);
        if (begun.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        var decided = await ReadModels.AwaitAsync(
            async () =>
            {
                await using var session = store.QuerySession();
                return await session.LoadAsync<Vault>(vaultId, http.RequestAborted) is { ClosingVersion: null } vault ? vault : null;
            },
            clock,
            http.RequestAborted);
        return decided switch
        {
            null => Results.Accepted($"/api/vaults/{vaultId:D}"),
            { DeletedAt: not null } => Results.NoContent(),
            _ => decided.Holds().ToResult(),
        };
    }

    private static async Task<Decision> CloseAsync(
        IDocumentSession session, Guid vaultId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var stream = await session.Events.FetchForWriting<Vault>(vaultId, cancellationToken);
        var decision = Vault.Close(stream.Aggregate, (stream.CurrentVersion ?? 0) + 1, now);
        if (decision.Events.Count > 0)
        {
            stream.AppendMany(decision.Events);
        }

        return decision;
    }
}

/// <summary>Ingest says whether a vault that is to be deleted holds recovery points.</summary>
public sealed class VaultClosingAnsweredConsumer(IDocumentStore store, TimeProvider clock) : IConsumer<VaultClosingAnswered>
{
    /// <inheritdoc/>
    /// <remarks>Vault and subscription change in one transaction: a deleted vault leaves place and name at once.</remarks>
    public Task Consume(ConsumeContext<VaultClosingAnswered> context)
    {
        var (answer, stop) = (context.Message, context.CancellationToken);
        return store.CommitAsync(
            async session =>
            {
                var now = clock.GetUtcNow();
                var decision = await session.DecideAsync<Vault>(
                    answer.VaultId, state => Vault.Answer(state, answer.VaultVersion, answer.RecoveryPoints, now), stop);
                return decision.Events is [VaultRemoved removed]
                    ? await session.DecideAsync<Subscription>(
                        removed.SubscriptionId, state => Subscription.ReleaseVault(state, removed.VaultId, now), stop)
                    : decision;
            },
            stop);
    }
}
