using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// Catalog pages on the machine's own disk, so that an unchanged backup and a listing ask the vault for nothing. May
/// vanish or be damaged at any time: a page is checked against its id, and one that is not there is fetched again.
/// </summary>
internal sealed class PageCache(string folder, KeyRing keys) : IPageCache
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private bool _broken;

    public bool Contains(ChunkId id) => File.Exists(PathOf(id));

    /// <summary>The page; null where it is not there as it was written.</summary>
    public byte[]? TryRead(ChunkId id)
    {
        try
        {
            var page = File.ReadAllBytes(PathOf(id));
            return keys.Identify(ChunkKind.Catalog, page) == id ? page : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a page. A full disk or a folder that may not be written costs time later, and nothing else.</summary>
    public void Write(ChunkId id, ReadOnlySpan<byte> page)
    {
        if (_broken || Contains(id))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(folder, OwnerOnly);
            var temporary = $"{PathOf(id)}.{Environment.ProcessId}.new";
            File.WriteAllBytes(temporary, page);
            File.Move(temporary, PathOf(id), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _broken = true;
        }
    }

    /// <summary>Forgets every page but these.</summary>
    public void Trim(IReadOnlySet<ChunkId> keep)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(folder))
            {
                if (!ChunkId.TryParse(Path.GetFileName(file), out var id) || !keep.Contains(id))
                {
                    File.Delete(file);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What stays is found again at the next backup.
        }
    }

    private string PathOf(ChunkId id) => Path.Combine(folder, id.ToString());
}
