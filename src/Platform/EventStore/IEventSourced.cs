namespace BackupPlatform.Platform.EventStore;

/// <summary>The state of one event stream: an immutable record that events alone change.</summary>
/// <typeparam name="TSelf">The state itself.</typeparam>
public interface IEventSourced<TSelf> where TSelf : class, IEventSourced<TSelf>
{
    /// <summary>The stream's id.</summary>
    Guid Id { get; }

    /// <summary>Applies one fact; never refuses.</summary>
    /// <param name="state">Null before the stream's first event.</param>
    static abstract TSelf Evolve(TSelf? state, object fact);
}
