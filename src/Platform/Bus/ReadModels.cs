using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using Marten;

namespace BackupPlatform.Platform.Bus;

/// <summary>What a service keeps of another one's stream.</summary>
public interface IReadModel
{
    /// <summary>The stream's id.</summary>
    Guid Id { get; }

    /// <summary>The highest version of the stream that has been applied.</summary>
    long Version { get; }
}

/// <summary>Keeps read models from messages that may come twice and out of order.</summary>
public static class ReadModels
{
    /// <summary>Applies a fact unless it, or a later one of its stream, has been applied.</summary>
    /// <param name="apply">From the read model so far (null: none) and the fact to the read model with the fact's version.</param>
    public static Task ApplyAsync<TModel, TContract>(
        this IDocumentStore store, TContract fact, Func<TModel?, TContract, TModel> apply, CancellationToken cancellationToken)
        where TModel : class, IReadModel
        where TContract : IContract =>
        store.CommitAsync(
            async session =>
            {
                var model = await session.LoadAsync<TModel>(fact.StreamId, cancellationToken);
                if (model is null || model.Version < fact.Version)
                {
                    session.Store(apply(model, fact));
                }

                return Decision.Nothing;
            },
            cancellationToken);

    /// <summary>Changes a read model by facts that come in any order, several of them from different versions or owners.</summary>
    /// <param name="apply">From what is kept so far (null: nothing) to what is to be kept; the same where nothing changes.</param>
    public static Task ChangeAsync<TModel>(
        this IDocumentStore store, Guid id, Func<TModel?, TModel> apply, CancellationToken cancellationToken)
        where TModel : class, IReadModel =>
        store.CommitAsync(
            async session =>
            {
                var known = await session.LoadAsync<TModel>(id, cancellationToken);
                if (apply(known) is var changed && !changed.Equals(known))
                {
                    session.Store(changed);
                }

                return Decision.Nothing;
            },
            cancellationToken);

    /// <summary>
    /// Waits a few seconds for a fact that its owner may not have relayed yet, so that a read right after a write is not denied.
    /// </summary>
    /// <returns>Null where it has not come by then.</returns>
    public static async Task<T?> AwaitAsync<T>(Func<Task<T?>> read, TimeProvider clock, CancellationToken cancellationToken)
        where T : class
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            if (await read() is { } found)
            {
                return found;
            }

            if (clock.GetElapsedTime(started) >= Patience)
            {
                return null;
            }

            await Task.Delay(Poll, clock, cancellationToken);
        }
    }

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
}
