using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Restore;

/// <summary>Looks for what is in the way, before anything is written.</summary>
internal static class ConflictCheck
{
    private const int Named = 5;

    /// <exception cref="AgentException">Something that is to be restored is there already.</exception>
    public static void Refuse(TargetTree target, RestorePlan plan)
    {
        var count = 0;
        var first = new List<string>();
        foreach (var planned in plan.Entries)
        {
            if (!IsInTheWay(target, planned.Entry))
            {
                continue;
            }

            count++;
            if (first.Count < Named)
            {
                first.Add(CatalogPaths.ForPeople(planned.Entry.Path));
            }
        }

        if (count > 0)
        {
            throw AgentException.Failed(
                $"{count} of the files are in the target already, and nothing was restored: {string.Join(", ", first)}"
                + (count > first.Count ? ", …" : "")
                + ". Restore into another folder, or say what to do with --on-conflict skip, overwrite or rename.",
                "conflict");
        }
    }

    /// <summary>What is there under an entry's name; null where nothing is.</summary>
    public static FileStat? Find(TargetTree target, CatalogPath path)
    {
        try
        {
            return target.In(path, (directory, name) => FileSystem.TryStat(directory, name));
        }
        catch (FileError e) when (e.IsMissing || e.Number == Libc.ErrorLoop)
        {
            // What is in the way above it is found at that entry.
            return null;
        }
    }

    private static bool IsInTheWay(TargetTree target, CatalogEntry entry) =>
        Find(target, entry.Path) is { } there && !(entry.Kind == CatalogEntryKind.Directory && there.Kind == FileKind.Directory);
}
