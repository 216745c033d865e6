using BackupPlatform.Agent.Commands;
using BackupPlatform.Contracts.Ingest;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>Finds the recovery point that a person named.</summary>
internal static class PointFinder
{
    public const string Latest = "latest";

    public const string DefaultItem = "files";

    /// <param name="name">An id, a unique beginning of one, or <c>latest</c> (of the item).</param>
    /// <param name="cached">Whether catalog pages may come from the machine's own cache.</param>
    /// <exception cref="AgentException">There is none, there are several, or it has expired.</exception>
    public static async Task<OpenedPoint> OpenAsync(
        ReadingSession session, string name, string? item, bool cached, CancellationToken cancellation)
    {
        var point = await FindAsync(session, name, item, cancellation);
        var opened = await OpenedPoint.OpenAsync(session, point, cached, cancellation);
        if (name == Latest)
        {
            session.Heads?.LearnNewest(point.Item, opened.Manifest, opened.SealedManifest);
        }

        return opened;
    }

    /// <summary>Finds a point that can be read.</summary>
    /// <exception cref="AgentException">There is none, there are several, or it cannot be read any more.</exception>
    public static async Task<RecoveryPointDocument> FindAsync(
        ReadingSession session, string name, string? item, CancellationToken cancellation)
    {
        var point = name == Latest
            ? await LatestAsync(session, item ?? DefaultItem, cancellation)
            : await FindAsync(session, name, cancellation);
        return point.State switch
        {
            RecoveryPointState.Sealed => point,
            RecoveryPointState.Deleted => throw AgentException.Failed(
                $"Recovery point {point.Id} was deleted. An operator can undelete it for a while.", "conflict"),
            _ => throw AgentException.Failed($"Recovery point {point.Id} has expired: it cannot be read any more.", "conflict"),
        };
    }

    private static async Task<RecoveryPointDocument> LatestAsync(ReadingSession session, string item, CancellationToken cancellation)
    {
        var first = true;
        await foreach (var point in session.Ingest.ListPointsAsync(session.MachineId, item, cancellation))
        {
            if (first)
            {
                session.Heads?.CheckSequence(item, point.Sequence);
                first = false;
            }

            if (point.State == RecoveryPointState.Sealed)
            {
                return point;
            }
        }

        if (first)
        {
            session.Heads?.CheckSequence(item, 0);
        }

        throw AgentException.Failed(
            $"There is no recovery point of item '{item}' that can be read. 'backup-agent points --all' lists what there is; "
            + "'backup-agent backup' makes one.",
            "not-found");
    }

    private static async Task<RecoveryPointDocument> FindAsync(ReadingSession session, string name, CancellationToken cancellation)
    {
        if (Guid.TryParse(name, out var id))
        {
            return await session.Ingest.GetPointAsync(id, cancellation);
        }

        var found = new List<RecoveryPointDocument>();
        await foreach (var point in session.Ingest.ListPointsAsync(session.MachineId, null, cancellation))
        {
            if (IsBeginning(point.Id, name))
            {
                found.Add(point);
            }
        }

        return found.Count switch
        {
            1 => found[0],
            0 => throw AgentException.Failed(
                $"No recovery point's id begins with '{name}'. 'backup-agent points' lists them.", "not-found"),
            _ => throw AgentException.Failed(
                $"{found.Count} recovery points' ids begin with '{name}'. Give more of the id; 'backup-agent points' lists them.", "invalid"),
        };
    }

    /// <summary>Whether an id, written with or without dashes, begins like this.</summary>
    internal static bool IsBeginning(Guid id, string name) =>
        name.Length > 0
        && (id.ToString("D").StartsWith(name, StringComparison.OrdinalIgnoreCase)
            || id.ToString("N").StartsWith(name, StringComparison.OrdinalIgnoreCase));
}
