using System.Diagnostics;
using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Marten.Subscriptions;
using MassTransit;
using Microsoft.Extensions.Logging;

namespace BackupPlatform.Platform.Bus;

/// <summary>The event store is the outbox: publishes committed events, in order, at least once.</summary>
/// <remarks>
/// While the bus is away the relay stands still at the event that it could not publish. After a restart it may publish again what it
/// had published before; message ids derive from event ids, so a reader can tell. One replica of a service relays at a time.
/// </remarks>
internal sealed class Relay(IBus bus, IEnumerable<IContractTranslator> translators, ILogger<Relay> log) : SubscriptionBase
{
    /// <summary>A broker that takes longer to confirm is taken for gone; a dead connection may never answer at all.</summary>
    private static readonly TimeSpan ConfirmWithin = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

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
        while (!await TryPublishAsync(committed.Id, contract, cancellationToken))
        {
            await Task.Delay(RetryAfter, cancellationToken);
        }
    }

    private async Task<bool> TryPublishAsync(Guid messageId, IContract contract, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConfirmWithin);
        try
        {
            await bus.Publish(contract, contract.GetType(), context => context.MessageId = messageId, limit.Token);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogWarning("The bus did not take {Contract} {MessageId}, which waits: {Reason}", contract.GetType().Name, messageId, e.Message);
            return false;
        }
    }
}
