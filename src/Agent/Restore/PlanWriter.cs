using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// Writes a plan below a folder: directories first, then contents in the order that they come in, then symbolic links, pipes
/// and devices, and the directories' own attributes last, deepest first.
/// </summary>
/// <param name="sources">What was backed up: the directories above only lead there.</param>
internal sealed class PlanWriter(
    TargetTree target, RestorePlan plan, IReadOnlyList<CatalogPath> sources, ConflictRule rule, PathErrors errors, Progress progress) : IDisposable
{
    private readonly Shortfalls _shortfalls = new();
    private readonly HashSet<CatalogPath> _made = [];
    private ReadBack? _readBack;
    private FileWriter? _files;

    public long FilesRestored => Files.FilesRestored;

    public long BytesRestored => Files.BytesRestored;

    /// <summary>Takes the contents, between <see cref="Begin"/> and <see cref="Finish"/>.</summary>
    public IChunkReceiver Receiver => Files;

    private FileWriter Files => _files ?? throw new InvalidOperationException("It was not begun.");

    /// <summary>Settles what is restored, and makes what needs no chunks.</summary>
    /// <param name="verify">Whether what is written will be read back.</param>
    public void Begin(bool verify)
    {
        if (rule == ConflictRule.Skip)
        {
            plan.LeaveOut(entry => entry.Kind != CatalogEntryKind.Directory && ConflictCheck.Find(target, entry.Path) is not null);
        }

        plan.LinkNames();
        progress.BytesTotal = plan.Bytes;
        _readBack = verify ? new ReadBack() : null;
        _files = new FileWriter(target, plan, rule, errors, _shortfalls, progress) { OnWritten = verify ? _readBack!.Note : null };
        MakeDirectories();
        WriteEmptyFiles();
    }

    /// <summary>When all chunks have come: makes the rest, and waits until everything is on the disk.</summary>
    /// <returns>Whether damage was found: in what came, or in what was read back.</returns>
    public bool Finish(CancellationToken cancellation)
    {
        new SpecialWriter(target, plan, rule, errors, _shortfalls).WriteAll(Files.AttributesOf);
        var differs = false;
        if (_readBack is not null)
        {
            // While all directories can still be entered, and from the disk.
            progress.Phase = "Reading back";
            target.With(default, FileSystem.SyncAll);
            differs = _readBack.Compare(target, plan, Files.Names, errors, _shortfalls, cancellation);
        }

        SetDirectoryAttributes();
        target.With(default, FileSystem.SyncAll);
        return Files.FoundDamage || differs;
    }

    /// <summary>Names once for each kind what was restored but for something that could not be set.</summary>
    /// <returns>Whether there was any.</returns>
    public bool TellShortfalls() => _shortfalls.Tell(errors);

    public void Dispose() => _files?.Dispose();

    private void MakeDirectories()
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

    private bool MakeDirectory(SafeFileHandle parent, byte[] name)
    {
        if (FileSystem.MakeDirectory(parent, name))
        {
            return true;
        }

        if (FileSystem.Stat(parent, name).Kind == FileKind.Directory)
        {
            return false;
        }

        if (rule != ConflictRule.Overwrite)
        {
            throw new IOException("something that is no directory is in the way; nothing below it is restored");
        }

        FileSystem.Remove(parent, name);
        return FileSystem.MakeDirectory(parent, name);
    }

    private void WriteEmptyFiles()
    {
        for (var i = 0; i < plan.Entries.Count; i++)
        {
            if (plan.Entries[i] is { Entry.Kind: CatalogEntryKind.File, Data: 0, AttributeBytes: 0, LeftOut: false, IsOtherName: false })
            {
                Files.WriteEmpty(i);
            }
        }
    }

    /// <summary>Deepest first, so that no write below changes a time that was set. Directories that were there keep theirs.</summary>
    private void SetDirectoryAttributes()
    {
        var attributes = new Attributes(_shortfalls);
        var leads = sources.SelectMany(Above).ToHashSet();
        for (var i = plan.Entries.Count - 1; i >= 0; i--)
        {
            var (index, entry, chosen) = (i, plan.Entries[i].Entry, plan.Entries[i].Chosen);
            var ours = _made.Contains(entry.Path) || (chosen && rule == ConflictRule.Overwrite);
            if (entry.Kind == CatalogEntryKind.Directory && ours)
            {
                var quiet = !chosen || leads.Contains(entry.Path);
                Attempt(entry, () => target.With(
                    entry.Path, open => attributes.Set(open, open, "."u8, entry, Files.AttributesOf(index), quiet)));
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
