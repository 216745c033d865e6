using System.Collections.Concurrent;
using System.IO.Hashing;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// Reads restored files back and compares them, piece by piece, with what was decrypted: a check of the disk. About 100
/// bytes a piece.
/// </summary>
internal sealed class ReadBack
{
    private readonly ConcurrentDictionary<int, ConcurrentQueue<(Piece Piece, ulong Hash)>> _written = new();

    public void Note(Piece piece, ReadOnlySpan<byte> content) =>
        _written.GetOrAdd(piece.Entry, _ => new()).Enqueue((piece, XxHash3.HashToUInt64(content)));

    /// <summary>Names every file that is not as it was written.</summary>
    /// <returns>Whether there is any.</returns>
    public bool Compare(
        TargetTree target,
        RestorePlan plan,
        IReadOnlyDictionary<int, byte[]> names,
        PathErrors errors,
        Shortfalls shortfalls,
        CancellationToken cancellation)
    {
        var written = new Dictionary<int, int>();
        foreach (var leader in names.Keys)
        {
            written[leader] = leader;
        }

        for (var i = 0; i < plan.Entries.Count; i++)
        {
            foreach (var other in plan.OtherNames(i))
            {
                written[other] = i;
            }
        }

        var differs = false;
        foreach (var (index, name) in names)
        {
            cancellation.ThrowIfCancellationRequested();
            var path = plan.Entries[index].Entry.Path;
            try
            {
                if (!target.In(path, (directory, _) => IsAsWritten(directory, name, written[index], plan.Entries[index].Length)))
                {
                    errors.Add(CatalogPaths.Absolute(path), "differs", "reads back other than it was written: check the disk, then restore it again");
                    differs = true;
                }
            }
            catch (FileError e) when (e.Number == Libc.ErrorAccess)
            {
                shortfalls.Add("not-verified", path, $"it was restored, but its mode keeps it from being read back: {e.Message}");
            }
            catch (IOException e)
            {
                errors.Add(CatalogPaths.Absolute(path), "differs", $"cannot be read back: {e.Message}");
                differs = true;
            }
        }

        return differs;
    }

    private bool IsAsWritten(SafeFileHandle directory, byte[] name, int index, long length)
    {
        using var file = FileSystem.OpenForReading(directory, name);
        FileSystem.Forget(file);
        if (FileSystem.Stat(file) is not { Kind: FileKind.File } stat || stat.Size != length)
        {
            return false;
        }

        long position = 0;
        foreach (var (piece, hash) in (_written.GetValueOrDefault(index) ?? []).OrderBy(written => written.Piece.Position))
        {
            var content = new byte[piece.Length];
            if (!IsZero(file, position, piece.Position)
                || RandomAccess.Read(file, content, piece.Position) != content.Length || XxHash3.HashToUInt64(content) != hash)
            {
                return false;
            }

            position = piece.Position + piece.Length;
        }

        return IsZero(file, position, length);
    }

    /// <summary>Whether a part of a file reads as zeros; what is a hole on the disk is not read for it.</summary>
    private static bool IsZero(SafeFileHandle file, long from, long to)
    {
        var buffer = new byte[64 * 1024];
        while (from < to && FileSystem.NextData(file, from, to) is var (start, end))
        {
            for (from = start; from < end;)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - from));
                var count = RandomAccess.Read(file, part, from);
                if (count == 0 || part[..count].ContainsAnyExcept((byte)0))
                {
                    return false;
                }

                from += count;
            }
        }

        return true;
    }
}
