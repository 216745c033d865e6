using System.Collections.Concurrent;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using BackupPlatform.Formats;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// Writes pieces of files as their chunks come, in any order and on several threads. A file is written under a hidden
/// name, and gets its own when its last byte, its owner, mode and times are there: nothing half done bears a real name.
/// At most <see cref="MaxOpen"/> files are open.
/// </summary>
internal sealed class FileWriter(
    TargetTree target, RestorePlan plan, ConflictRule rule, PathErrors errors, Shortfalls shortfalls, Progress progress)
    : IChunkReceiver, IDisposable
{
    private const int MaxOpen = 256;

    private readonly Attributes _attributes = new(shortfalls);
    private readonly ConcurrentDictionary<int, RestoredFile> _files = new();
    private readonly ConcurrentQueue<RestoredFile> _open = new();
    private readonly ConcurrentDictionary<ChunkId, bool> _seen = new();
    private long _restored;
    private long _bytes;
    private int _damaged;

    /// <summary>Files that are complete.</summary>
    public long FilesRestored => Interlocked.Read(ref _restored);

    public long BytesRestored => Interlocked.Read(ref _bytes);

    public bool FoundDamage => _damaged != 0;

    /// <summary>The names that complete files were given, by the plan's index; for reading them back.</summary>
    public ConcurrentDictionary<int, byte[]> Names { get; } = new();

    /// <summary>Where set, told of each piece that was written, with the plaintext; for reading back.</summary>
    public Action<Piece, ReadOnlySpan<byte>>? OnWritten { get; init; }

    /// <summary>Restores a file for which no chunk will come.</summary>
    public void WriteEmpty(int index) => Guard(File(index), Complete);

    /// <summary>An entry's encoded extended attributes, when all chunks have come; none where they are lost.</summary>
    public byte[] AttributesOf(int index) => File(index).Attributes.ToArray();

    public void Receive(ChunkId id, ReadOnlySpan<byte> content)
    {
        if (!plan.Pieces.TryGetValue(id, out var pieces) || !_seen.TryAdd(id, true))
        {
            return;
        }

        foreach (var piece in pieces)
        {
            var file = File(piece.Entry);
            lock (file.Lock)
            {
                if (piece.Offset + piece.Length > content.Length)
                {
                    Fail(file, $"damaged: chunk {id} is shorter than the catalog says", damage: true);
                }
                else if (file.Failure is null)
                {
                    Write(file, piece, content.Slice(piece.Offset, piece.Length));
                }
            }
        }
    }

    public void Damaged(ChunkId id, string why)
    {
        foreach (var piece in plan.Pieces.GetValueOrDefault(id) ?? [])
        {
            Guard(File(piece.Entry), file =>
            {
                if (piece.IsAttribute)
                {
                    LoseAttributes(file, piece.Length, why);
                }
                else
                {
                    Fail(file, $"damaged: {why}", damage: true);
                }
            });
        }
    }

    /// <summary>Removes what was not completed.</summary>
    public void Dispose()
    {
        foreach (var file in _files.Values)
        {
            lock (file.Lock)
            {
                Discard(file);
            }
        }
    }

    private RestoredFile File(int index) => _files.GetOrAdd(index, i => new RestoredFile(i, plan.Entries[i]));

    private void Write(RestoredFile file, Piece piece, ReadOnlySpan<byte> content)
    {
        try
        {
            if (piece.IsAttribute)
            {
                // Where some of them are lost, all are.
                content.CopyTo(file.ChunkedAttributes.Length == 0 ? new byte[content.Length] : file.ChunkedAttributes.AsSpan((int)piece.Position));
            }
            else
            {
                RandomAccess.Write(Open(file), content, piece.Position);
                OnWritten?.Invoke(piece, content);
                progress.AddBytes(content.Length);
            }

            Came(file, content.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DamagedDataException)
        {
            Fail(file, e.Message, damage: e is DamagedDataException);
        }
    }

    private void Came(RestoredFile file, int bytes)
    {
        file.Missing -= bytes;
        if (file.Missing == 0 && file.Planned.Entry.Kind == CatalogEntryKind.File)
        {
            Complete(file);
        }
    }

    private void LoseAttributes(RestoredFile file, int bytes, string why)
    {
        Interlocked.Exchange(ref _damaged, 1);
        if (file.ChunkedAttributes.Length > 0)
        {
            file.ChunkedAttributes = [];
            errors.Add(CatalogPaths.Absolute(file.Planned.Entry.Path), "damaged", $"its extended attributes are damaged: {why}");
        }

        Came(file, bytes);
    }

    private void Guard(RestoredFile file, Action<RestoredFile> action)
    {
        lock (file.Lock)
        {
            try
            {
                action(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DamagedDataException)
            {
                Fail(file, e.Message, damage: e is DamagedDataException);
            }
        }
    }

    private SafeFileHandle Open(RestoredFile file)
    {
        if (file.Handle is { IsClosed: false } open)
        {
            return open;
        }

        CloseOldest();
        file.Handle = target.In(file.Planned.Entry.Path, (directory, name) =>
        {
            if (file.TemporaryName is { } begun)
            {
                return FileSystem.OpenForWriting(directory, begun);
            }

            var temporary = Publishing.TemporaryName(name);
            var created = FileSystem.CreateNew(directory, temporary);
            file.TemporaryName = temporary;
            if (file.Planned.Entry.HasHoles)
            {
                // What no piece is written to stays a hole.
                RandomAccess.SetLength(created, file.Planned.Length);
            }

            return created;
        });
        _open.Enqueue(file);
        return file.Handle;
    }

    private void CloseOldest()
    {
        // Files are locked one inside another here, so one that is busy is passed over instead of waited for.
        for (var tries = _open.Count; _open.Count >= MaxOpen && tries > 0 && _open.TryDequeue(out var oldest); tries--)
        {
            if (oldest.Lock.IsHeldByCurrentThread || !oldest.Lock.TryEnter())
            {
                _open.Enqueue(oldest);
                continue;
            }

            oldest.Handle?.Dispose();
            oldest.Lock.Exit();
        }
    }

    private void Complete(RestoredFile file)
    {
        var entry = file.Planned.Entry;
        var open = Open(file);
        var name = target.In(entry.Path, (directory, wanted) =>
        {
            _attributes.Set(open, directory, file.TemporaryName, entry, file.Attributes);
            if (rule == ConflictRule.Overwrite && FileSystem.TryStat(directory, wanted) is not null)
            {
                // Before it takes the place of what is there, which is gone then.
                FileSystem.Sync(open);
            }

            // Before its own name, about which others may have a say: its other names are restored all the same.
            LinkOthers(file, open, directory);
            return Publishing.Publish(directory, file.TemporaryName!, wanted, rule);
        });
        file.Handle!.Dispose();
        file.Done = true;
        if (name is null)
        {
            Discard(file);
            return;
        }

        file.TemporaryName = null;
        Count(file.Index, name, file.Planned.Length);
    }

    private void Count(int index, byte[] name, long length)
    {
        Names[index] = name;
        progress.AddFile();
        Interlocked.Increment(ref _restored);
        Interlocked.Add(ref _bytes, length);
    }

    private void LinkOthers(RestoredFile file, SafeFileHandle open, SafeFileHandle directory)
    {
        foreach (var index in plan.OtherNames(file.Index))
        {
            var other = plan.Entries[index].Entry;
            try
            {
                var name = target.In(other.Path, (otherDirectory, wanted) => LinkOrCopy(file, open, directory, otherDirectory, wanted));
                if (name is not null)
                {
                    Count(index, name, file.Planned.Length);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DamagedDataException)
            {
                errors.Add(CatalogPaths.Absolute(other.Path), "not-restored", e.Message);
            }
        }
    }

    private byte[]? LinkOrCopy(
        RestoredFile file, SafeFileHandle open, SafeFileHandle directory, SafeFileHandle otherDirectory, byte[] wanted)
    {
        try
        {
            return Publishing.PublishLink(directory, file.TemporaryName!, otherDirectory, wanted, rule);
        }
        catch (FileError e) when (FileCopy.IsNeeded(e))
        {
            shortfalls.Add("link-not-made", file.Planned.Entry.Path, $"its other names are files of their own: {e.Message}");
            var temporary = FileCopy.Make(open, otherDirectory, wanted);
            _attributes.Set(null, otherDirectory, temporary, file.Planned.Entry, file.Attributes);
            return Publishing.PublishOrRemove(otherDirectory, temporary, wanted, rule);
        }
    }

    private void Fail(RestoredFile file, string why, bool damage)
    {
        if (file.Failure is not null || file.Done)
        {
            return;
        }

        file.Failure = why;
        Discard(file);
        foreach (var entry in plan.OtherNames(file.Index).Prepend(file.Index).Select(index => plan.Entries[index].Entry))
        {
            errors.Add(CatalogPaths.Absolute(entry.Path), damage ? "damaged" : "not-restored", why);
        }

        if (damage)
        {
            Interlocked.Exchange(ref _damaged, 1);
        }
    }

    private void Discard(RestoredFile file)
    {
        file.Handle?.Dispose();
        if (file.TemporaryName is not { } temporary)
        {
            return;
        }

        file.TemporaryName = null;
        try
        {
            target.In(file.Planned.Entry.Path, (directory, _) =>
            {
                FileSystem.Remove(directory, temporary);
                return true;
            });
        }
        catch (Exception e) when (e is IOException or DamagedDataException)
        {
            errors.Add(CatalogPaths.Absolute(file.Planned.Entry.Path), "not-removed", $"the unfinished file could not be removed: {e.Message}");
        }
    }
}
