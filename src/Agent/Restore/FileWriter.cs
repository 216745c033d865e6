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
    TargetTree target, RestorePlan plan, ConflictRule rule, PathErrors errors, Progress progress) : IChunkReceiver, IDisposable
{
    private const int MaxOpen = 256;

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

    /// <summary>Restores a file that has no content.</summary>
    public void WriteEmpty(int index) => Guard(File(index), file =>
    {
        Open(file);
        Complete(file);
    });

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
            var file = File(piece.Entry);
            lock (file.Lock)
            {
                Fail(file, $"damaged: {why}", damage: true);
            }
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
            RandomAccess.Write(Open(file), content, piece.Position);
            OnWritten?.Invoke(piece, content);
            progress.AddBytes(content.Length);
            file.Missing -= content.Length;
            if (file.Missing == 0)
            {
                Complete(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DamagedDataException)
        {
            Fail(file, e.Message, damage: e is DamagedDataException);
        }
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
        var name = target.In(entry.Path, (directory, wanted) =>
        {
            Attributes.Set(file.Handle!, directory, file.TemporaryName, entry);
            if (rule == ConflictRule.Overwrite)
            {
                // Before it takes the place of what was there, which is gone then.
                FileSystem.Sync(file.Handle!);
            }

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
        Names[file.Index] = name;
        progress.AddFile();
        Interlocked.Increment(ref _restored);
        Interlocked.Add(ref _bytes, file.Planned.Length);
    }

    private void Fail(RestoredFile file, string why, bool damage)
    {
        if (file.Failure is not null || file.Done)
        {
            return;
        }

        file.Failure = why;
        Discard(file);
        errors.Add(CatalogPaths.Absolute(file.Planned.Entry.Path), why);
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
            errors.Add(CatalogPaths.Absolute(file.Planned.Entry.Path), $"the unfinished file could not be removed: {e.Message}");
        }
    }
}
