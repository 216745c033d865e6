namespace BackupPlatform.Platform.EventStore;

/// <summary>The state of one event stream: an immutable record that events alone change.</summary>
/// <typeparam name="TSelf">The state itself.</typeparam>
public interface IEventSourced<TSelf> where TSelf : class, IEventSourced<TSelf>
{
    /// <summary>The stream's id.</summary>
    Guid Id { get; }

    /// <summary>Applies one fact; never refuses.</summary>
    /// <remarks>Not named Evolve: Marten's generator takes a method of that name for its own.</remarks>
    /// <param name="state">Null before the stream's first event.</param>
    static abstract TSelf Fold(TSelf? state, object fact);
}
