using JasperFx.Events;
using Marten.Events.Aggregation;

namespace BackupPlatform.Platform.EventStore;

/// <summary>Leaves all folding to the state's own <see cref="IEventSourced{TSelf}.Fold"/>.</summary>
public sealed partial class StateProjection<TState> : SingleStreamProjection<TState, Guid>
    where TState : class, IEventSourced<TState>
{
    /// <inheritdoc/>
    public override TState? Evolve(TState? snapshot, Guid id, IEvent e) => TState.Fold(snapshot, e.Data);
}
