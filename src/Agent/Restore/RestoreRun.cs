using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Restore;

/// <param name="Target">Absolute.</param>
/// <param name="Paths">None: everything.</param>
internal sealed record RestoreOrder(byte[] Target, IReadOnlyList<CatalogPath> Paths, ConflictRule Rule, bool ReadBack);

/// <param name="JobId">Null where there was nothing to fetch.</param>
/// <param name="Failed">Something was not restored.</param>
/// <param name="FellShort">Something was restored, but for an attribute that could not be set.</param>
internal sealed record RestoreOutcome(Guid? JobId, long Files, long Bytes, bool FoundDamage, bool Failed, bool FellShort);

/// <summary>
/// Restores entries of a recovery point below a folder, under their full source path.
/// </summary>
internal sealed class RestoreRun(
    CommandContext context, ReadingSession session, OpenedPoint point, RestoreOrder order, PathErrors errors)
{
    private readonly Progress _progress = new() { Phase = "Restoring" };

    /// <exception cref="AgentException">Nothing was written, for this reason; or the platform was lost on the way.</exception>
    public async Task<RestoreOutcome> RunAsync(CancellationToken cancellation)
    {
        var losses = new CatalogLosses(errors);
        if (order.Paths.Count == 0)
        {
            losses.Watch(point.Catalog);
            await point.Pages.PrefetchAsync(point.Catalog, cancellation);
        }

        var plan = await RestorePlan.CreateAsync(point.Catalog, order.Paths, losses, cancellation);
        if (order.Rule == ConflictRule.Fail && TargetTree.TryOpen(order.Target) is { } there)
        {
            using (there)
            {
                ConflictCheck.Refuse(there, plan);
            }
        }

        await using var view = context.ShowProgress(_progress);
        using var target = TargetTree.Create(order.Target);
        using var writer = new PlanWriter(target, plan, point.Manifest.Sources, order.Rule, errors, _progress);
        writer.Begin(order.ReadBack);
        var stream = new ChunkStream(session, point.Id, _progress);
        bool damaged;
        try
        {
            await stream.FetchAsync(plan.Pieces.Keys.ToList(), writer.Receiver, cancellation);
            damaged = writer.Finish(cancellation);
            await stream.FinishAsync(errors.Count == 0, cancellation);
        }
        finally
        {
            await stream.AbandonAsync();
        }

        var failed = errors.Count > 0;
        return new RestoreOutcome(
            stream.JobId, writer.FilesRestored, writer.BytesRestored, damaged || losses.Any, failed, writer.TellShortfalls());
    }
}
