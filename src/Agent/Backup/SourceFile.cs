using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Backup;

/// <summary>What was read of a file.</summary>
/// <param name="Stat">Attributes from before the first byte was read.</param>
/// <param name="BegunAt">When its reading began, in nanoseconds since 1970 by the machine's own clock, which file times come from.</param>
/// <param name="Size">Bytes read.</param>
/// <param name="Extents">Complete when the chunk of small files was cut.</param>
/// <param name="Changed">It changed while it was read: what was read was never there at one moment.</param>
internal sealed record FileRead(FileStat Stat, long BegunAt, long Size, List<Extent> Extents, bool Changed);

/// <summary>Reads files of a source.</summary>
internal sealed class SourceFile(FileExtents contents, Progress progress)
{
    /// <exception cref="IOException">It cannot be read, or is no regular file any more.</exception>
    public async ValueTask<FileRead> ReadAsync(SourceEntry entry)
    {
        var begunAt = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        using var file = FileSystem.OpenForReading(entry.Directory, entry.Name);
        var before = FileSystem.Stat(file);
        if (before.Kind != FileKind.File)
        {
            throw new IOException("is no regular file any more");
        }

        var extents = new List<Extent>();
        var size = before.Allocated < before.Size
            ? await ReadPartsAsync(file, before.Size, extents)
            : await contents.AddAsync(Reader(file, 0, long.MaxValue), extents);
        var after = FileSystem.Stat(file);
        var changed = size != before.Size
            || (before.Size, before.ModificationNanoseconds, before.ChangeNanoseconds)
            != (after.Size, after.ModificationNanoseconds, after.ChangeNanoseconds);
        return new FileRead(before, begunAt, size, extents, changed);
    }

    /// <summary>Of a file that has holes, or is kept compressed: the parts that hold data, and between them the holes.</summary>
    private async ValueTask<long> ReadPartsAsync(SafeFileHandle file, long size, List<Extent> extents)
    {
        long position = 0;
        while (position < size)
        {
            var (start, end) = FileSystem.NextData(file, position, size) ?? (size, size);
            if (start > position)
            {
                extents.Add(Extent.OfHole(start - position));
                progress.AddBytes(start - position);
            }

            position = start + (end > start ? await contents.AddAsync(Reader(file, start, end), extents) : 0);
            if (position < end)
            {
                // It became shorter meanwhile.
                return position;
            }
        }

        return position;
    }

    private Func<Memory<byte>, int> Reader(SafeFileHandle file, long position, long end) => space =>
    {
        var count = RandomAccess.Read(file, space.Span[..(int)Math.Min(space.Length, end - position)], position);
        position += count;
        progress.AddBytes(count);
        return count;
    };
}
