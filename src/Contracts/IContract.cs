namespace BackupPlatform.Contracts;

/// <summary>A fact that its owner publishes on the bus, at least once and possibly out of order across streams.</summary>
/// <remarks>
/// A contract is frozen by namespace and name; a breaking change is a new type. The message id is derived from the id of
/// the event behind it, so a second delivery carries the same id.
/// </remarks>
public interface IContract
{
    /// <summary>The owner's event stream that the fact comes from.</summary>
    Guid StreamId { get; }

    /// <summary>The version of that stream with this fact, from 1 upwards; a read model keeps the highest it has applied.</summary>
    long Version { get; }

    /// <summary>When the fact came to be, by the owner's clock.</summary>
    DateTimeOffset At { get; }
}
