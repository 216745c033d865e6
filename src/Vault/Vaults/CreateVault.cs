using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.VaultService.Subscriptions;
using Marten;

namespace BackupPlatform.VaultService.Vaults;

internal static class CreateVaultEndpoint
{
    public static void MapCreateVault(this WebApplication app) =>
        app.MapPost("/api/subscriptions/{subscriptionId:guid}/vaults", HandleAsync).Produces<VaultDocument>(StatusCodes.Status201Created);

    /// <remarks>Subscription and vault change in one transaction: the limit holds whoever else makes vaults just now.</remarks>
    private static async Task<IResult> HandleAsync(
        Guid subscriptionId, CreateVault request, HttpContext http, IDocumentStore store, Limits limits, TimeProvider clock)
    {
        if (!http.CallingOperator().Operates(subscriptionId))
        {
            return Refusal.NotFound("subscription").ToResult();
        }

        if (Names.Check(request.Name) is { } invalid)
        {
            return invalid.ToResult();
        }

        // Parsing alone would also take numbers, spaces and lists.
        if (!Enum.GetNames<Redundancy>().Contains(request.Redundancy) || !Enum.TryParse<Redundancy>(request.Redundancy, out var redundancy))
        {
            return Refusal.Invalid("redundancy", "'redundancy' is \"LRS\" or \"GRS\".").ToResult();
        }

        var now = clock.GetUtcNow();
        var vault = new VaultOpened(Guid.CreateVersion7(now), subscriptionId, request.Name!, redundancy, now);
        var decision = await store.CommitAsync(
            async session =>
            {
                session.Events.StartStream<Vault>(vault.VaultId, vault);
                return await session.DecideAsync<Subscription>(
                    subscriptionId,
                    state => Subscription.AddVault(state, vault.VaultId, vault.Name, limits.VaultsPerSubscription, now),
                    http.RequestAborted);
            },
            http.RequestAborted);
        return decision.Refusal is { } refusal
            ? refusal.ToResult()
            : Results.Created($"/api/vaults/{vault.VaultId:D}", Vault.Fold(null, vault).ToDocument());
    }
}
