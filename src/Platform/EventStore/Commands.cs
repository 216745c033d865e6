using System.Diagnostics;
using JasperFx;
using JasperFx.Events;
using Marten;
using Marten.Services;
using Npgsql;

namespace BackupPlatform.Platform.EventStore;

/// <summary>Runs commands: load the stream, decide, append, and decide again where somebody else was faster.</summary>
public static class Commands
{
    /// <summary>Event header with the W3C trace context of whoever appended the event.</summary>
    internal const string TraceParentHeader = "traceparent";

    /// <summary>52 machines may register with one vault at once, each losing to all before it.</summary>
    private const int MaxAttempts = 100;

    /// <summary>One command on one stream.</summary>
    /// <param name="decide">Pure; called again with the new state after a lost race. State null: the stream has no events.</param>
    /// <returns>The decision that holds: its events are committed.</returns>
    public static Task<Decision> DecideAsync<TState>(
        this IDocumentStore store, Guid streamId, Func<TState?, Decision> decide, CancellationToken cancellationToken)
        where TState : class, IEventSourced<TState> =>
        store.CommitAsync(session => session.DecideAsync(streamId, decide, cancellationToken), cancellationToken);

    /// <summary>One stream of a command on several: what is decided is queued in the session.</summary>
    public static async Task<Decision> DecideAsync<TState>(
        this IDocumentSession session, Guid streamId, Func<TState?, Decision> decide, CancellationToken cancellationToken)
        where TState : class, IEventSourced<TState>
    {
        var stream = await session.Events.FetchForWriting<TState>(streamId, cancellationToken);
        var decision = decide(stream.Aggregate);
        if (decision.Refusal is null && decision.Events.Count > 0)
        {
            stream.AppendMany(decision.Events);
        }

        return decision;
    }

    /// <summary>Runs a command in a session of its own and commits it unless it refuses; starts over after a lost race.</summary>
    public static async Task<Decision> CommitAsync(
        this IDocumentStore store, Func<IDocumentSession, Task<Decision>> command, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var session = store.OpenCommandSession();
            try
            {
                var decision = await command(session);
                if (decision.Refusal is null)
                {
                    await session.SaveChangesAsync(cancellationToken);
                }

                return decision;
            }
            catch (Exception e) when (IsLostRace(e) && attempt < MaxAttempts)
            {
                // Decided on a state that is no more.
            }
        }
    }

    /// <summary>A session whose events carry the current trace context.</summary>
    /// <param name="transaction">Where given, the session takes part in it and does not commit.</param>
    public static IDocumentSession OpenCommandSession(this IDocumentStore store, NpgsqlTransaction? transaction = null)
    {
        var session = transaction is null
            ? store.LightweightSession()
            : store.LightweightSession(SessionOptions.ForTransaction(transaction));
        if (Activity.Current?.Id is { } traceParent)
        {
            session.SetHeader(TraceParentHeader, traceParent);
        }

        return session;
    }

    /// <summary>Whether another writer was faster on the same stream or document; to be decided anew.</summary>
    public static bool IsLostRace(Exception e) => e
        is ConcurrencyException or EventStreamUnexpectedMaxEventIdException or DocumentAlreadyExistsException
        // Two types of one name; Marten throws its own, also where the race was for another stream of the same transaction.
        or ExistingStreamIdCollisionException or Marten.Exceptions.ExistingStreamIdCollisionException
        or PostgresException
        {
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
        }
        || (e.InnerException is { } inner && IsLostRace(inner));
}
