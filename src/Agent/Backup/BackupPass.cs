using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// One way through the sources: beside the base point's catalog, reading what is not as it was there, and writing the new
/// catalog. Entries whose content shares a chunk with others wait until that chunk is cut, at most
/// <see cref="MaxWaiting"/> of them.
/// </summary>
internal sealed class BackupPass
{
    private const int MaxWaiting = 4096;

    // A file that was changed this shortly before it was read may be changed once more without showing another time.
    private const long RacyNanoseconds = 20_000_000;

    private readonly ChunkReferences _references;
    private readonly BaseCatalog? _base;
    private readonly CatalogWriter _catalog;
    private readonly FileExtents _contents;
    private readonly SourceFile _files;
    private readonly PathErrors _errors;
    private readonly Progress _progress;
    private readonly LinkedFiles _linked = new();
    private readonly Queue<(CatalogEntry Entry, List<Extent> Extents)> _waiting = new();

    /// <param name="upload">Takes what the vault may lack; the content is valid until the task is done.</param>
    public BackupPass(
        KeyRing keys,
        ChunkReferences references,
        BaseCatalog? baseCatalog,
        Func<ChunkKind, ChunkId, ReadOnlyMemory<byte>, ValueTask> upload,
        IPageCache cache,
        PathErrors errors,
        Progress progress)
    {
        (_references, _base, _errors, _progress) = (references, baseCatalog, errors, progress);
        _contents = new FileExtents(keys, (id, content) => OfferAsync(upload, ChunkKind.Data, id, content));
        _files = new SourceFile(_contents, progress);
        _catalog = new CatalogWriter(keys, (id, page) =>
        {
            references.AddNew(id);
            cache.Write(id, page.Span);
            return OfferAsync(upload, ChunkKind.Catalog, id, page);
        });
    }

    public BackupTotals Totals { get; } = new();

    /// <summary>Walks, and gives the root of the new catalog, whose pages are handed over but need not be in the vault yet.</summary>
    public async Task<CatalogRoot> RunAsync(SourceWalker walker, CancellationToken cancellation)
    {
        foreach (var entry in walker.Walk())
        {
            cancellation.ThrowIfCancellationRequested();
            var path = CatalogPaths.Of(entry.Path);
            var old = _base is null ? null : await _base.FindAsync(path, cancellation);
            var described = await DescribeAsync(entry, path);
            if (_linked.Find(entry.Stat, described.Kind) is { } linked)
            {
                AddName(entry, described, linked, old);
            }
            else if (entry.Stat.Kind == FileKind.File)
            {
                await AddFileAsync(entry, described, old, cancellation);
            }
            else
            {
                Add(entry.Stat, described with { LinkTarget = entry.LinkTarget ?? [], Incomplete = entry.Unlisted }, [], unmodified: true);
                Totals.Incomplete += entry.Unlisted ? 1 : 0;
            }

            await WriteWaitingAsync();
        }

        await _contents.CutAsync();
        await WriteWaitingAsync();
        if (_base is not null)
        {
            await _base.FinishAsync(cancellation);
        }

        return await _catalog.FinishAsync();
    }

    /// <summary>Reads a stream as one file, and gives the root of the new catalog.</summary>
    public async Task<CatalogRoot> RunAsync(StreamSource source, CancellationToken cancellation)
    {
        var path = CatalogPath.FromText(source.Name);
        var known = _base is not null && await _base.FindAsync(path, cancellation) is not null;
        var (extents, begun) = (new List<Extent>(), TimeProvider.System.GetUtcNow());
        var size = await _contents.AddAsync(space =>
        {
            var count = source.Read(space);
            _progress.AddBytes(count);
            return count;
        }, extents);
        await source.FinishAsync(cancellation);
        Count(size, known ? file => file.Changed++ : file => file.New++);
        _waiting.Enqueue((EntryOfStream(path, size, begun), extents));
        await _contents.CutAsync();
        await WriteWaitingAsync();
        if (_base is not null)
        {
            await _base.FinishAsync(cancellation);
        }

        return await _catalog.FinishAsync();
    }

    private async ValueTask<CatalogEntry> DescribeAsync(SourceEntry source, CatalogPath path)
    {
        var entry = EntryDescription.Of(path, source.Stat);
        byte[] attributes;
        try
        {
            attributes = ExtendedAttributes.Encode(source.Attributes);
        }
        catch (ArgumentException e)
        {
            _errors.Add(source.Path, "attributes-too-many", $"its extended attributes are left out: {e.Message}");
            return entry;
        }

        if (attributes.Length <= CatalogEntry.MaxInlineAttributes)
        {
            return entry with { Attributes = attributes };
        }

        var extents = new List<Extent>();
        await _contents.AddAloneAsync(attributes, extents);
        return entry with { AttributeExtents = [.. extents] };
    }

    /// <summary>One more name of a file: it is told as it was when the first name was met, and read no more.</summary>
    private void AddName(SourceEntry source, CatalogEntry described, LinkedFile linked, CatalogEntry? old)
    {
        if (described.Kind == CatalogEntryKind.File)
        {
            Count(linked.Entry.Size, old is not { Kind: CatalogEntryKind.File } ? file => file.New++
                : linked.Unmodified ? file => file.Unmodified++ : file => file.Changed++);
            _progress.AddBytes(linked.Entry.Size);
        }

        if (linked.Entry.Incomplete)
        {
            NoteChanged(source.Path);
        }

        _waiting.Enqueue((linked.Entry with { Path = described.Path }, linked.Extents));
    }

    private void Add(FileStat stat, CatalogEntry entry, List<Extent> extents, bool unmodified)
    {
        entry = entry with { HasHoles = extents.Exists(extent => extent.IsHole) };
        _linked.Note(stat, new LinkedFile(entry, extents, unmodified));
        _waiting.Enqueue((entry, extents));
    }

    private async ValueTask AddFileAsync(SourceEntry source, CatalogEntry described, CatalogEntry? old, CancellationToken cancellation)
    {
        if (old is not null && EntryDescription.HasSameContent(old, described, source.Stat.Size)
            && await ReuseAsync(old, cancellation) is { } extents)
        {
            Count(source.Stat.Size, file => file.Unmodified++);
            _progress.AddBytes(source.Stat.Size);
            Add(source.Stat, described with { Size = old.Size }, extents, unmodified: true);
            return;
        }

        try
        {
            var read = await _files.ReadAsync(source);
            Count(read.Size, old is { Kind: CatalogEntryKind.File } ? file => file.Changed++ : file => file.New++);
            var entry = EntryDescription.Of(described.Path, read.Stat) with
            {
                Size = read.Size,
                Incomplete = read.Changed,
                ChangedNanoseconds = IsRacy(read) ? 0 : read.Stat.ChangeNanoseconds,
                Attributes = described.Attributes,
                AttributeExtents = described.AttributeExtents,
            };
            Add(read.Stat, entry, read.Extents, unmodified: false);
            if (read.Changed)
            {
                NoteChanged(source.Path);
            }
        }
        catch (FileError e) when (e.IsMissing)
        {
            _errors.Add(source.Path, "vanished", "vanished while the backup was running");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _errors.Add(source.Path, "unreadable", e.Message);
        }
    }

    /// <summary>A file of the user who runs the agent, for nobody else: what a stream holds is not known.</summary>
    private static CatalogEntry EntryOfStream(CatalogPath path, long size, DateTimeOffset at) => new()
    {
        Path = path,
        Kind = CatalogEntryKind.File,
        Mode = 0x180,
        UserId = Libc.EffectiveUser(),
        GroupId = Libc.EffectiveGroup(),
        ModifiedNanoseconds = (at - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick,
        Size = size,
    };

    private void NoteChanged(byte[] path)
    {
        Totals.Incomplete++;
        _errors.Add(path, "changed", "changed while it was being read; what was read is kept");
    }

    private void Count(long bytes, Action<BackupTotals> count)
    {
        count(Totals);
        Totals.Bytes += bytes;
        _progress.AddFile();
    }

    /// <summary>The old extents; null where the vault lacks one of their chunks.</summary>
    private async ValueTask<List<Extent>?> ReuseAsync(CatalogEntry old, CancellationToken cancellation)
    {
        var extents = await _base!.ExtentsAsync(old, cancellation);
        return extents.Exists(extent => _references.IsDistrusted(extent.Chunk)) ? null : extents;
    }

    private async ValueTask WriteWaitingAsync()
    {
        if (_waiting.Count >= MaxWaiting)
        {
            await _contents.CutAsync();
        }

        if (_contents.HasWaiting)
        {
            return;
        }

        while (_waiting.TryDequeue(out var next))
        {
            foreach (var extent in next.Extents.Concat(next.Entry.AttributeExtents).Where(extent => !extent.IsHole))
            {
                _references.AddNew(extent.Chunk);
            }

            await _catalog.AppendAsync(next.Entry with { Extents = [.. next.Extents] });
        }
    }

    private ValueTask OfferAsync(
        Func<ChunkKind, ChunkId, ReadOnlyMemory<byte>, ValueTask> upload, ChunkKind kind, ChunkId id, ReadOnlyMemory<byte> content) =>
        _references.MustOffer(id) ? upload(kind, id, content) : ValueTask.CompletedTask;

    /// <summary>
    /// Whether it may change again within the tick of its last change, after it was read: then no time would tell, and the next backup
    /// reads it again.
    /// </summary>
    private static bool IsRacy(FileRead read) => read.BegunAt - read.Stat.ChangeNanoseconds < RacyNanoseconds;
}
