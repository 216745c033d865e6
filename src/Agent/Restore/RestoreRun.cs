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
internal sealed record RestoreOutcome(Guid? JobId, long Files, long Bytes, bool FoundDamage);

/// <summary>
/// Restores entries of a recovery point below a folder, under their full source path: directories first, then contents in
/// the order that they come in, then symbolic links, and the directories' own attributes last, deepest first.
/// </summary>
internal sealed class RestoreRun(
    CommandContext context, ReadingSession session, OpenedPoint point, RestoreOrder order, PathErrors errors)
{
    private readonly Progress _progress = new() { Phase = "Restoring" };
    private readonly ReadBack _readBack = new();
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

        _progress.BytesTotal = plan.Bytes;
        await using var view = context.ShowProgress(_progress);
        using var target = TargetTree.Create(order.Target);
        using var writer = new FileWriter(target, plan, order.Rule, errors, _progress)
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

        MakeDirectories(plan, target);
        WriteWithoutContent(plan, target, writer);
        var stream = new ChunkStream(session, point.Id, _progress);
        try
        {
            await stream.FetchAsync(plan.Pieces.Keys.ToList(), writer, cancellation);
            SetDirectoryAttributes(plan, target);
            target.With(default, FileSystem.SyncAll);
            if (order.ReadBack)
            {
                _progress.Phase = "Reading back";
                _readBack.Compare(target, plan, writer.Names, errors, cancellation);
            }

            await stream.FinishAsync(errors.Count == 0, cancellation);
        }
        finally
        {
            await stream.AbandonAsync();
        }

        return new RestoreOutcome(stream.JobId, writer.FilesRestored, writer.BytesRestored, writer.FoundDamage);
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

    private void WriteWithoutContent(RestorePlan plan, TargetTree target, FileWriter writer)
    {
        for (var i = 0; i < plan.Entries.Count; i++)
        {
            var planned = plan.Entries[i];
            if (planned.LeftOut)
            {
                continue;
            }

            if (planned.Entry.Kind == CatalogEntryKind.SymbolicLink)
            {
                Attempt(planned.Entry, () => target.In(planned.Entry.Path, (directory, name) => MakeLink(directory, name, planned.Entry)));
            }
            else if (planned.Entry.Kind == CatalogEntryKind.File && planned.Length == 0)
            {
                writer.WriteEmpty(i);
            }
        }
    }

    private bool MakeLink(Microsoft.Win32.SafeHandles.SafeFileHandle directory, byte[] name, CatalogEntry entry)
    {
        var temporary = Publishing.TemporaryName(name);
        FileSystem.MakeSymbolicLink(entry.LinkTarget.Span, directory, temporary);
        var published = false;
        try
        {
            Attributes.SetLink(directory, temporary, entry);
            published = Publishing.Publish(directory, temporary, name, order.Rule) is not null;
        }
        finally
        {
            if (!published)
            {
                FileSystem.Remove(directory, temporary);
            }
        }

        return published;
    }

    /// <summary>Deepest first, so that no write below changes a time that was set. Directories that were there keep theirs.</summary>
    private void SetDirectoryAttributes(RestorePlan plan, TargetTree target)
    {
        for (var i = plan.Entries.Count - 1; i >= 0; i--)
        {
            var (entry, chosen) = (plan.Entries[i].Entry, plan.Entries[i].Chosen);
            var ours = _made.Contains(entry.Path) || (chosen && order.Rule == ConflictRule.Overwrite);
            if (entry.Kind == CatalogEntryKind.Directory && ours)
            {
                Attempt(entry, () => target.With(entry.Path, open => Attributes.Set(open, open, "."u8, entry)));
            }
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
            errors.Add(CatalogPaths.Absolute(entry.Path), e.Message);
        }
    }
}
