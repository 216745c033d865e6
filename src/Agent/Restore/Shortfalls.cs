using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// What could not be set on restored entries, counted by kind: an ordinary user gives no file away, and not every file
/// system takes every attribute. Safe for several threads.
/// </summary>
internal sealed class Shortfalls
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (long Count, CatalogPath First, string Why)> _kinds = new(StringComparer.Ordinal);

    /// <param name="kind">A stable word.</param>
    /// <param name="why">As it was at the first entry.</param>
    public void Add(string kind, CatalogPath path, string why)
    {
        lock (_lock)
        {
            _kinds[kind] = _kinds.TryGetValue(kind, out var known) ? known with { Count = known.Count + 1 } : (1, path, why);
        }
    }

    /// <summary>Names each kind once.</summary>
    /// <returns>Whether there was any.</returns>
    public bool Tell(PathErrors errors)
    {
        lock (_lock)
        {
            foreach (var (kind, (count, first, why)) in _kinds)
            {
                errors.Add(CatalogPaths.Absolute(first), kind, count == 1 ? why : $"{why} (and {count - 1} more like this)");
            }

            return _kinds.Count > 0;
        }
    }
}
