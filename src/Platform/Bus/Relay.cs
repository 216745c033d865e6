using System.Diagnostics;
using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Marten.Subscriptions;
using MassTransit;

namespace BackupPlatform.Platform.Bus;

/// <summary>The event store is the outbox: publishes committed events, in order, at least once.</summary>
/// <remarks>
/// A page that could not be published whole is published again from its beginning; message ids derive from event ids, so a
/// reader can tell. One replica of a service relays at a time.
/// </remarks>
internal sealed class Relay(IBus bus, IEnumerable<IContractTranslator> translators) : SubscriptionBase
{
    private static readonly ActivitySource Source = new("BackupPlatform.Relay");

    private readonly IContractTranslator[] translators = [.. translators];

    public override async Task<IChangeListener> ProcessEventsAsync(
        EventRange page, ISubscriptionController controller, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        foreach (var committed in page.Events)
        {
            foreach (var translator in translators)
            {
                if (translator.Translate(committed) is { } contract)
                {
                    await PublishAsync(committed, contract, cancellationToken);
                }
            }
        }

        return NullChangeListener.Instance;
    }

    private async Task PublishAsync(IEvent committed, IContract contract, CancellationToken cancellationToken)
    {
        var traceParent = committed.GetHeader(Commands.TraceParentHeader)?.ToString();
        using var activity = Source.StartActivity($"relay {contract.GetType().Name}", ActivityKind.Producer, traceParent);
        await bus.Publish(contract, contract.GetType(), context => context.MessageId = committed.Id, cancellationToken);
    }
}
