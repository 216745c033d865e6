using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>Names the parts of a catalog that cannot be read, once each, so that the rest can still be had.</summary>
internal sealed class CatalogLosses(PathErrors errors)
{
    private readonly HashSet<CatalogPath> _known = [];

    /// <summary>Whether anything was lost.</summary>
    public bool Any => _known.Count > 0;

    /// <summary>How many parts.</summary>
    public int Count => _known.Count;

    /// <summary>Hears of what the reader meets.</summary>
    public void Watch(CatalogReader catalog) => catalog.Lost = Note;

    /// <summary>An entry that is there and lacks a part, which another page would hold.</summary>
    public void Note(CatalogPath path, DamagedDataException damage)
    {
        if (_known.Add(path))
        {
            errors.Add(CatalogPaths.Absolute(path), "damaged", damage.Message);
        }
    }

    private void Note(CatalogLoss loss)
    {
        if (_known.Add(loss.From))
        {
            var end = loss.Before is { } before ? $"before '{CatalogPaths.ForPeople(before)}'" : "to the end";
            errors.Add(CatalogPaths.Absolute(loss.From), "damaged", $"everything from here {end} is not known any more: {loss.Damage.Message}");
        }
    }
}
