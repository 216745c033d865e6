using System.Collections.Concurrent;
using BackupPlatform.Contracts;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace BackupPlatform.Platform.Identity;

/// <summary>Refuses tokens that hold by themselves while what they stand on has ended.</summary>
/// <remarks>
/// What has ended lies in the service's database: all its replicas know it, also after a restart. A replica looks at most
/// <paramref name="fresh"/> later; what it once found ended it never asks for again.
/// </remarks>
/// <param name="fresh">How long a "has not ended" is believed; zero: never.</param>
public sealed class IdentityGate(IDocumentStore store, TimeProvider clock, TimeSpan fresh)
{
    /// <summary>Ids come from tokens that were signed here, so there are not many; this bounds even that.</summary>
    private const int MaxKnown = 10_000;

    private static readonly Refusal MachineEnded = new(
        ProblemCodes.Unauthenticated,
        "This machine's identity has ended: it was deregistered, or taken over by another installation. Register again to go on.");

    private static readonly Refusal CredentialsEnded = new(
        ProblemCodes.CredentialsRevoked, "The vault credentials of this session were revoked; ask an operator for others.");

    private static readonly Refusal VaultEnded = new(
        ProblemCodes.Unauthenticated, "The vault of this token was deleted.");

    private readonly ConcurrentDictionary<Guid, Seen> known = [];

    /// <returns>Why the caller is refused; null where nothing has ended.</returns>
    public async ValueTask<Refusal?> CheckAsync(Caller caller, CancellationToken cancellationToken) => caller switch
    {
        Caller.Machine machine =>
            await HasEndedAsync(machine.MachineId, machine.Generation, cancellationToken) ? MachineEnded
            : await HasEndedAsync(machine.VaultId, EndedIdentity.Whole, cancellationToken) ? VaultEnded
            : null,
        Caller.Recovery recovery =>
            await HasEndedAsync(recovery.CredentialsId, EndedIdentity.Whole, cancellationToken) ? CredentialsEnded
            : await HasEndedAsync(recovery.VaultId, EndedIdentity.Whole, cancellationToken) ? VaultEnded
            : null,
        _ => null,
    };

    /// <summary>Whether this generation of an identity, or the whole of what bears this id, has ended.</summary>
    public async ValueTask<bool> HasEndedAsync(Guid id, int generation, CancellationToken cancellationToken)
    {
        var seen = known.TryGetValue(id, out var kept) ? kept : null;
        if (seen is null || (seen.Generation < generation && clock.GetElapsedTime(seen.At) >= fresh))
        {
            var at = clock.GetTimestamp();
            await using var session = store.QuerySession();
            var ended = await session.LoadAsync<EndedIdentity>(id, cancellationToken);
            seen = new Seen(ended?.Generation ?? 0, at);
            if (known.Count >= MaxKnown)
            {
                known.Clear();
            }

            known[id] = seen;
        }

        return seen.Generation >= generation;
    }

    private sealed record Seen(int Generation, long At);
}

/// <summary>Puts the gate into a service.</summary>
public static class IdentityGates
{
    /// <summary>The longest that a replica goes without looking.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    /// <summary>Adds the gate and what it keeps. The service's bus also needs <see cref="AddEndedIdentities"/>.</summary>
    /// <param name="fresh">How long a "has not ended" is believed; null: a second.</param>
    public static void AddIdentityGate(this IHostApplicationBuilder builder, TimeSpan? fresh = null)
    {
        // Optimistic, so that of two generations that race the higher one stays.
        builder.Services.ConfigureMarten(options => options.Schema.For<EndedIdentity>().UseOptimisticConcurrency(true));
        builder.Services.AddSingleton(services => new IdentityGate(
            services.GetRequiredService<IDocumentStore>(), services.GetRequiredService<TimeProvider>(), fresh ?? Fresh));
    }

    /// <summary>Lets the service hear of what has ended.</summary>
    public static void AddEndedIdentities(this IBusRegistrationConfigurator bus) => bus.AddConsumer<EndedIdentitiesConsumer>();

    /// <summary>Refuses, before any endpoint runs, whose identity has ended. After <c>MapDefaultEndpoints</c>.</summary>
    public static void UseIdentityGate(this WebApplication app) => app.Use(async (context, next) =>
    {
        var gate = context.RequestServices.GetRequiredService<IdentityGate>();
        if (context.Features.Get<Caller>() is { } caller && await gate.CheckAsync(caller, context.RequestAborted) is { } refusal)
        {
            await refusal.ToResult().ExecuteAsync(context);
            return;
        }

        await next(context);
    });
}
