using BackupPlatform.Formats;

namespace BackupPlatform.Engine;

/// <summary>
/// Writes the catalog of a recovery point: entries come in path order, pages go to <paramref name="emit"/> as they are
/// done, each before the one that refers to it. The same entries give the same pages, so that unchanged ones are the
/// chunks that the vault already has. Memory: a page for each level.
/// </summary>
/// <param name="keys">The machine's keys.</param>
/// <param name="emit">Takes a page, a catalog chunk; its bytes are valid until the returned task ends.</param>
public sealed class CatalogWriter(KeyRing keys, Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> emit)
{
    private readonly List<Level> _levels = [new Level(0, keys.CatalogBoundarySeed)];
    private readonly List<Extent> _extents = [];
    private readonly ByteWriter _body = new();
    private CatalogEntry? _entry;
    private int _ordinal;
    private long _extentSum;
    private bool _finished;

    /// <summary>Entries appended so far.</summary>
    public long Entries { get; private set; }

    /// <summary>Appends the next entry, with all its extents or the first of them.</summary>
    /// <exception cref="ArgumentException">The entry does not come after the one before, or contradicts itself.</exception>
    public async ValueTask AppendAsync(CatalogEntry entry)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        if (Fault(entry) is { } fault) throw new ArgumentException($"'{entry.Path}': {fault}", nameof(entry));
        await EndEntryAsync();
        _entry = entry;
        _ordinal = 0;
        _extentSum = 0;
        Entries++;
        await AppendExtentsAsync(entry.Extents.AsMemory());
    }

    /// <summary>Appends more extents to the file that was appended last; any number, in any portions.</summary>
    /// <exception cref="ArgumentException">An extent lies outside its chunk.</exception>
    /// <exception cref="InvalidOperationException">The last entry is no file.</exception>
    public async ValueTask AppendExtentsAsync(ReadOnlyMemory<Extent> extents)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        if (extents.IsEmpty) return;
        if (_entry is not { Kind: CatalogEntryKind.File }) throw new InvalidOperationException("Only a file has extents.");
        for (var i = 0; i < extents.Length; i++)
        {
            var extent = extents.Span[i];
            if (!CatalogRecords.IsValid(extent) || (extent.IsHole && !_entry.HasHoles)) throw new ArgumentException("An extent lies outside its chunk.", nameof(extents));
            // A full record is written only when another extent follows, because the entry tells whether one does.
            if (_extents.Count == (_ordinal == 0 ? CatalogEntry.MaxInlineExtents : CatalogRecords.MaxContinuedExtents))
            {
                await WriteRecordAsync(continues: true);
            }
            _extents.Add(extent);
            _extentSum = CatalogRecords.Sum([extent], _extentSum);
        }
    }

    /// <summary>Ends the catalog, and gives its root once the last page was emitted.</summary>
    /// <exception cref="ArgumentException">The last file's extents do not add up to its size.</exception>
    public async ValueTask<CatalogRoot> FinishAsync()
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        await EndEntryAsync();
        _finished = true;
        // Closing a page may add a level above, which then is closed in its turn.
        for (var height = 0; ; height++)
        {
            var level = _levels[height];
            var isTop = height == _levels.Count - 1;
            if (isTop && height > 0 && level.Page.Count == 1) return new CatalogRoot(level.LastChild, height - 1, Entries);
            if (isTop) return new CatalogRoot((await EmitAsync(level)).Page, height, Entries);
            if (level.Page.Count > 0) await ClosePageAsync(height);
        }
    }

    private string? Fault(CatalogEntry entry)
    {
        var isFile = entry.Kind == CatalogEntryKind.File;
        var isLink = entry.Kind == CatalogEntryKind.SymbolicLink;
        if (_entry is not null && _entry.Path >= entry.Path) return $"it does not come after '{_entry.Path}'.";
        if (!CatalogRecords.IsKnown(entry.Kind)) return "its kind is unknown.";
        if (!CatalogRecords.IsDevice(entry.Kind) && entry.DeviceNumber != 0) return "only a device has a number.";
        if (entry.Size < 0 || (!isFile && entry.Size != 0)) return "its size is impossible.";
        if (!isFile && (!entry.Extents.IsDefaultOrEmpty || entry.HasHoles)) return "only a file has extents.";
        if (!isLink && !entry.LinkTarget.IsEmpty) return "only a symbolic link has a target.";
        if (entry.LinkTarget.Length > CatalogEntry.MaxLinkTarget) return "its target is too long.";
        if (entry.Extents.IsDefault || entry.AttributeExtents.IsDefault) return "its extents are not set.";
        if (entry.HardLink is { } hard && (hard.Links < 1 || hard.First > entry.Path || entry.Kind == CatalogEntryKind.Directory))
        {
            return "its hard link is impossible.";
        }
        return AttributesFault(entry);
    }

    private static string? AttributesFault(CatalogEntry entry)
    {
        if (entry.Attributes.Length > CatalogEntry.MaxInlineAttributes) return "its extended attributes are too long.";
        if (entry.AttributeExtents.IsEmpty) return null;
        var extents = entry.AttributeExtents.AsSpan();
        foreach (var extent in extents)
        {
            if (extent.IsHole || !CatalogRecords.IsValid(extent)) return "an extent of its attributes lies outside its chunk.";
        }
        return !entry.Attributes.IsEmpty || extents.Length > CatalogEntry.MaxAttributeExtents
            || CatalogRecords.Sum(extents) > ExtendedAttributes.MaxBytes
            ? "its extended attributes are too many."
            : null;
    }

    private async ValueTask EndEntryAsync()
    {
        if (_entry is null) return;
        if (!_entry.Incomplete && _entry.Kind == CatalogEntryKind.File && _extentSum != _entry.Size)
        {
            throw new ArgumentException($"'{_entry.Path}': its extents add up to {_extentSum} bytes, its size is {_entry.Size}.");
        }
        await WriteRecordAsync(continues: false);
    }

    private ValueTask WriteRecordAsync(bool continues)
    {
        _body.Clear();
        var extents = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_extents);
        if (_ordinal == 0) CatalogRecords.WriteEntry(_body, _entry!, extents, continues);
        else CatalogRecords.WriteExtents(_body, extents);
        _extents.Clear();
        var key = new CatalogKey(_entry!.Path.Bytes, _ordinal++);
        return AppendToLevelAsync(0, key, _body, key.Ordinal == 0 ? 1 : 0);
    }

    private ValueTask AppendToLevelAsync(int height, CatalogKey key, ByteWriter body, long entries)
    {
        var page = _levels[height].Page;
        if (!page.HasRoomFor(key, body.Length)) return AppendToNextPageAsync(height, key, body, entries);
        page.Append(key, body.Written, entries);
        return page.EndsHere() ? ClosePageAsync(height) : ValueTask.CompletedTask;
    }

    private async ValueTask AppendToNextPageAsync(int height, CatalogKey key, ByteWriter body, long entries)
    {
        await ClosePageAsync(height);
        await AppendToLevelAsync(height, key, body, entries);
    }

    private async ValueTask ClosePageAsync(int height)
    {
        var closed = await EmitAsync(_levels[height]);
        if (height + 1 == _levels.Count) _levels.Add(new Level(height + 1, keys.CatalogBoundarySeed));
        var above = _levels[height + 1];
        above.LastChild = closed.Page;
        above.Body.Clear();
        closed.Page.CopyTo(above.Body.Take(ChunkId.Size));
        above.Body.VarInt((ulong)closed.Entries);
        await AppendToLevelAsync(height + 1, closed.Key, above.Body, closed.Entries);
    }

    private async ValueTask<IndexRecord> EmitAsync(Level level)
    {
        var (key, entries) = (level.Page.FirstKey, level.Page.Entries);
        var bytes = level.Page.Take();
        var id = keys.Identify(ChunkKind.Catalog, bytes.Span);
        await emit(id, bytes);
        return new IndexRecord(key, id, entries);
    }

    private sealed class Level(int height, ulong boundarySeed)
    {
        public CatalogPageBuilder Page { get; } = new(height, boundarySeed);

        /// <summary>The record being appended to this level; each level has its own, because closing a page recurses.</summary>
        public ByteWriter Body { get; } = new();

        public ChunkId LastChild { get; set; }
    }
}
