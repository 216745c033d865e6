using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Files;
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
/// Restores entries of a recovery point below a folder, under their full source path: directories first, then contents in
/// the order that they come in, then symbolic links, pipes and devices, and the directories' own attributes last, deepest
/// first.
/// </summary>
internal sealed class RestoreRun(
    CommandContext context, ReadingSession session, OpenedPoint point, RestoreOrder order, PathErrors errors)
{
    private readonly Progress _progress = new() { Phase = "Restoring" };
    private readonly ReadBack _readBack = new();
    private readonly Shortfalls _shortfalls = new();
    private readonly HashSet<CatalogPath> _made = [];

    /// <exception cref="AgentException">Nothing was written, for this reason; or the platform was lost on the way.</exception>
    public async Task<RestoreOutcome> RunAsync(CancellationToken cancellation)
    {
        if (order.Paths.Count == 0)
        {
            await point.Pages.PrefetchAsync(point.Catalog, cancellation);
        }

        var plan = await RestorePlan.CreateAsync(point.Catalog, order.Paths, cancellation);
        if (order.Rule == ConflictRule.Fail && TargetTree.TryOpen(order.Target) is { } there)
        {
            using (there)
            {
                ConflictCheck.Refuse(there, plan);
            }
        }

        await using var view = context.ShowProgress(_progress);
        using var target = TargetTree.Create(order.Target);
        using var writer = new FileWriter(target, plan, order.Rule, errors, _shortfalls, _progress)
        {
            OnWritten = order.ReadBack ? _readBack.Note : null,
        };
        return await WriteAsync(plan, target, writer, cancellation);
    }

    private async Task<RestoreOutcome> WriteAsync(RestorePlan plan, TargetTree target, FileWriter writer, CancellationToken cancellation)
    {
        if (order.Rule == ConflictRule.Skip)
        {
            plan.LeaveOut(entry => entry.Kind != CatalogEntryKind.Directory && ConflictCheck.Find(target, entry.Path) is not null);
        }

        plan.LinkNames();
        _progress.BytesTotal = plan.Bytes;
        MakeDirectories(plan, target);
        WriteEmptyFiles(plan, writer);
        var stream = new ChunkStream(session, point.Id, _progress);
        var differs = false;
        try
        {
            await stream.FetchAsync(plan.Pieces.Keys.ToList(), writer, cancellation);
            new SpecialWriter(target, plan, order.Rule, errors, _shortfalls).WriteAll(writer.AttributesOf);
            if (order.ReadBack)
            {
                // While all directories can still be entered, and from the disk.
                _progress.Phase = "Reading back";
                target.With(default, FileSystem.SyncAll);
                differs = _readBack.Compare(target, plan, writer.Names, errors, _shortfalls, cancellation);
            }

            SetDirectoryAttributes(plan, target, writer);
            target.With(default, FileSystem.SyncAll);
            await stream.FinishAsync(errors.Count == 0, cancellation);
        }
        finally
        {
            await stream.AbandonAsync();
        }

        var failed = errors.Count > 0;
        return new RestoreOutcome(
            stream.JobId, writer.FilesRestored, writer.BytesRestored, writer.FoundDamage || differs, failed, _shortfalls.Tell(errors));
    }

    private void MakeDirectories(RestorePlan plan, TargetTree target)
    {
        foreach (var planned in plan.Entries.Where(planned => planned.Entry.Kind == CatalogEntryKind.Directory))
        {
            Attempt(planned.Entry, () =>
            {
                if (target.In(planned.Entry.Path, MakeDirectory))
                {
                    _made.Add(planned.Entry.Path);
                }
            });
        }
    }

    private bool MakeDirectory(Microsoft.Win32.SafeHandles.SafeFileHandle parent, byte[] name)
    {
        if (FileSystem.MakeDirectory(parent, name))
        {
            return true;
        }

        if (FileSystem.Stat(parent, name).Kind == FileKind.Directory)
        {
            return false;
        }

        if (order.Rule != ConflictRule.Overwrite)
        {
            throw new IOException("something that is no directory is in the way; nothing below it is restored");
        }

        FileSystem.Remove(parent, name);
        return FileSystem.MakeDirectory(parent, name);
    }

    private static void WriteEmptyFiles(RestorePlan plan, FileWriter writer)
    {
        for (var i = 0; i < plan.Entries.Count; i++)
        {
            if (plan.Entries[i] is { Entry.Kind: CatalogEntryKind.File, Data: 0, AttributeBytes: 0, LeftOut: false, IsOtherName: false })
            {
                writer.WriteEmpty(i);
            }
        }
    }

    /// <summary>Deepest first, so that no write below changes a time that was set. Directories that were there keep theirs.</summary>
    private void SetDirectoryAttributes(RestorePlan plan, TargetTree target, FileWriter writer)
    {
        var attributes = new Attributes(_shortfalls);
        var leads = point.Manifest.Sources.SelectMany(Above).ToHashSet();
        for (var i = plan.Entries.Count - 1; i >= 0; i--)
        {
            var (index, entry, chosen) = (i, plan.Entries[i].Entry, plan.Entries[i].Chosen);
            var ours = _made.Contains(entry.Path) || (chosen && order.Rule == ConflictRule.Overwrite);
            if (entry.Kind == CatalogEntryKind.Directory && ours)
            {
                var quiet = !chosen || leads.Contains(entry.Path);
                Attempt(entry, () => target.With(
                    entry.Path, open => attributes.Set(open, open, "."u8, entry, writer.AttributesOf(index), quiet)));
            }
        }
    }

    private static IEnumerable<CatalogPath> Above(CatalogPath path)
    {
        for (path = path.Parent; !path.IsRoot; path = path.Parent)
        {
            yield return path;
        }
    }

    private void Attempt(CatalogEntry entry, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(CatalogPaths.Absolute(entry.Path), "not-restored", e.Message);
        }
    }
}
