using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>
/// Cuts contents into chunks and hands them on: large files by their content, small ones many to a chunk. What is small
/// gets its place when its chunk is cut, which <see cref="CutAsync"/> brings about.
/// </summary>
/// <param name="add">Takes a data chunk: its id and its content, which is valid until the task is done.</param>
internal sealed class FileExtents(KeyRing keys, Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> add)
{
    /// <summary>Files shorter than this, in bytes, share chunks.</summary>
    public const int SmallFile = 128 * 1024;

    private const int CutAt = 512 * 1024;

    private readonly ContentDefinedChunker _chunker = new(keys);
    private readonly byte[] _shared = new byte[CutAt + SmallFile];
    private readonly byte[] _window = new byte[2 * ContentDefinedChunker.MaxLength];
    private readonly List<Action<ChunkId>> _waiting = [];
    private int _sharedLength;

    /// <summary>Whether small files wait for their chunk to be cut.</summary>
    public bool HasWaiting => _waiting.Count > 0;

    /// <summary>
    /// Cuts a file's content as <paramref name="read"/> gives it (0: the end), or a part of it, and gives its length. The
    /// extents are added to the list; one of a small content is right when its chunk is cut.
    /// </summary>
    /// <remarks>A file's extents are held together: about 40 bytes for each 512 KiB of it.</remarks>
    public async ValueTask<long> AddAsync(Func<Memory<byte>, int> read, List<Extent> extents)
    {
        var buffered = Fill(read, _window.AsMemory(0, SmallFile));
        if (buffered < SmallFile)
        {
            await ShareAsync(_window.AsMemory(0, buffered), extents);
            return buffered;
        }

        return await CutLargeAsync(read, buffered, extents);
    }

    /// <summary>Cuts a content into chunks that it shares with no other, so that the same content gives the same chunks.</summary>
    public async ValueTask AddAloneAsync(ReadOnlyMemory<byte> content, List<Extent> extents)
    {
        while (_chunker.FindCut(content.Span, endOfData: true) is > 0 and var cut)
        {
            extents.Add(new Extent(await EmitAsync(content[..cut]), 0, cut));
            content = content[cut..];
        }
    }

    /// <summary>Ends the chunk that small files share, so that all of them have their place.</summary>
    public async ValueTask CutAsync()
    {
        if (_sharedLength == 0)
        {
            return;
        }

        var id = await EmitAsync(_shared.AsMemory(0, _sharedLength));
        foreach (var placed in _waiting)
        {
            placed(id);
        }

        _waiting.Clear();
        _sharedLength = 0;
    }

    private async ValueTask ShareAsync(ReadOnlyMemory<byte> content, List<Extent> extents)
    {
        if (content.IsEmpty)
        {
            return;
        }

        var (offset, length) = (_sharedLength, content.Length);
        content.CopyTo(_shared.AsMemory(offset));
        _sharedLength += length;

        // The place in the list is kept for it: other parts of the same file may come before the chunk is cut.
        var place = extents.Count;
        extents.Add(default);
        _waiting.Add(id => extents[place] = new Extent(id, offset, length));
        if (_sharedLength >= CutAt)
        {
            await CutAsync();
        }
    }

    private async ValueTask<long> CutLargeAsync(Func<Memory<byte>, int> read, int buffered, List<Extent> extents)
    {
        long total = 0;
        var (start, end, ended) = (0, buffered, false);
        while (true)
        {
            if (!ended && end - start < ContentDefinedChunker.MaxLength)
            {
                _window.AsSpan(start, end - start).CopyTo(_window);
                (start, end) = (0, end - start);
                var more = Fill(read, _window.AsMemory(end));
                ended = more < _window.Length - end;
                end += more;
            }

            var cut = _chunker.FindCut(_window.AsSpan(start, end - start), ended);
            if (cut == 0)
            {
                return total;
            }

            extents.Add(new Extent(await EmitAsync(_window.AsMemory(start, cut)), 0, cut));
            start += cut;
            total += cut;
        }
    }

    private async ValueTask<ChunkId> EmitAsync(ReadOnlyMemory<byte> content)
    {
        var id = keys.Identify(ChunkKind.Data, content.Span);
        await add(id, content);
        return id;
    }

    /// <summary>Reads until the space is full or the file ends.</summary>
    private static int Fill(Func<Memory<byte>, int> read, Memory<byte> space)
    {
        var filled = 0;
        while (filled < space.Length && read(space[filled..]) is > 0 and var count)
        {
            filled += count;
        }

        return filled;
    }
}
