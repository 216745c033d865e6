using System.Collections.Concurrent;
using System.IO.Hashing;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;

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
    public void Compare(
        TargetTree target, RestorePlan plan, IReadOnlyDictionary<int, byte[]> names, PathErrors errors, CancellationToken cancellation)
    {
        foreach (var (index, name) in names)
        {
            cancellation.ThrowIfCancellationRequested();
            var path = plan.Entries[index].Entry.Path;
            try
            {
                if (!IsAsWritten(target, index, name, plan))
                {
                    errors.Add(CatalogPaths.Absolute(path), "reads back other than it was written: check the disk, then restore it again");
                }
            }
            catch (IOException e)
            {
                errors.Add(CatalogPaths.Absolute(path), $"cannot be read back: {e.Message}");
            }
        }
    }

    private bool IsAsWritten(TargetTree target, int index, byte[] name, RestorePlan plan) =>
        target.In(plan.Entries[index].Entry.Path, (directory, _) =>
        {
            using var file = FileSystem.OpenForReading(directory, name);
            if (FileSystem.Stat(file).Size != plan.Entries[index].Length)
            {
                return false;
            }

            foreach (var (piece, hash) in _written.GetValueOrDefault(index) ?? [])
            {
                var content = new byte[piece.Length];
                if (RandomAccess.Read(file, content, piece.Position) != content.Length || XxHash3.HashToUInt64(content) != hash)
                {
                    return false;
                }
            }

            return true;
        });
}
