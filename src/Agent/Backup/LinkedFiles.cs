using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Backup;

/// <summary>What became of a file's first name in the new catalog.</summary>
/// <param name="Entry">Without its extents.</param>
/// <param name="Extents">Complete when the chunk of small files was cut.</param>
internal sealed record LinkedFile(CatalogEntry Entry, List<Extent> Extents, bool Unmodified);

/// <summary>Files with several names, from the first of them that the walk met to the last.</summary>
/// <remarks>Held in memory: about 500 bytes for each file of which more names may come.</remarks>
internal sealed class LinkedFiles
{
    private readonly Dictionary<(ulong Device, ulong Inode), (LinkedFile File, long Left)> _files = [];

    /// <summary>The file that a name is of, where another name of it was met before; else null.</summary>
    public LinkedFile? Find(FileStat stat, CatalogEntryKind kind)
    {
        var id = (stat.Device, stat.Inode);
        if (stat.Links < 2 || !_files.TryGetValue(id, out var known))
        {
            return null;
        }

        // A file that changed meanwhile, or another one that got the number of one that is gone, is read for itself.
        var first = known.File.Entry;
        if (first.Kind != kind || first.ModifiedNanoseconds != stat.ModificationNanoseconds
            || (kind == CatalogEntryKind.File && first.Size != stat.Size))
        {
            return null;
        }

        if (known.Left == 1)
        {
            _files.Remove(id);
        }
        else
        {
            _files[id] = (known.File, known.Left - 1);
        }

        return known.File;
    }

    /// <summary>Notes the first name of a file that has more.</summary>
    public void Note(FileStat stat, LinkedFile file)
    {
        if (stat.Links > 1 && stat.Kind != FileKind.Directory)
        {
            _files[(stat.Device, stat.Inode)] = (file, stat.Links - 1);
        }
    }
}
