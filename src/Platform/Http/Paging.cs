using System.Diagnostics.CodeAnalysis;
using BackupPlatform.Contracts;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.Platform.Http;

/// <summary>Which page of a list is asked for. Ids are UUIDv7, so their order is that of time.</summary>
/// <param name="Limit">How many entries, 1 to 1,000.</param>
/// <param name="After">The last entry of the page before; null for the first page.</param>
public sealed record Paging(int Limit, Guid? After)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;

    /// <summary>Reads the query's <c>limit</c> and <c>after</c>.</summary>
    public static bool TryRead(
        int? limit, string? after, [NotNullWhen(true)] out Paging? paging, [NotNullWhen(false)] out Refusal? refusal)
    {
        paging = null;
        refusal = null;
        var cursor = Guid.Empty;
        if (limit is < 1 or > MaxLimit)
        {
            refusal = Refusal.Invalid("limit", $"'limit' is a number from 1 to {MaxLimit}.");
        }
        else if (after is not null && !Guid.TryParseExact(after, "N", out cursor))
        {
            refusal = Refusal.Invalid("after", "'after' is what the page before named as 'next'.");
        }
        else
        {
            paging = new Paging(limit ?? DefaultLimit, after is null ? null : cursor);
        }

        return refusal is null;
    }

    /// <summary>The cursor behind an entry.</summary>
    public static string Cursor(Guid last) => last.ToString("N");

    /// <summary>One page of states, oldest first unless asked otherwise.</summary>
    public async Task<Page<TDocument>> PageAsync<TState, TDocument>(
        IQueryable<TState> all, Func<TState, TDocument> toDocument, CancellationToken cancellationToken, bool newestFirst = false)
        where TState : class, IEventSourced<TState>
    {
        if (After is { } after)
        {
            all = newestFirst ? all.Where(state => state.Id.CompareTo(after) < 0) : all.Where(state => state.Id.CompareTo(after) > 0);
        }

        var ordered = newestFirst ? all.OrderByDescending(state => state.Id) : all.OrderBy(state => state.Id);
        var states = await ordered.Take(Limit + 1).ToListAsync(cancellationToken);
        var page = states.Take(Limit).ToList();
        return new Page<TDocument>([.. page.Select(toDocument)], states.Count > Limit ? Cursor(page[^1].Id) : null);
    }
}
