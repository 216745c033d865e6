using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.Platform.EventStore;

/// <summary>What a pure decision comes to: events to append (none: already so), or a refusal.</summary>
public sealed record Decision
{
    private Decision(IReadOnlyList<object> events, Refusal? refusal) => (Events, Refusal) = (events, refusal);

    /// <summary>Empty where nothing is to change.</summary>
    public IReadOnlyList<object> Events { get; }

    /// <summary>Why it is not done; null where it is.</summary>
    public Refusal? Refusal { get; }

    /// <summary>What was asked for is so already.</summary>
    public static Decision Nothing { get; } = new([], null);

    /// <summary>These facts come to be, in this order.</summary>
    public static Decision Append(params IReadOnlyList<object> events) => new(events, null);

    /// <summary>It is not done.</summary>
    public static Decision Refuse(Refusal refusal) => new([], refusal);

    /// <summary>It is not done.</summary>
    public static implicit operator Decision(Refusal refusal) => Refuse(refusal);
}
