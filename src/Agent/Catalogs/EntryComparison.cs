using BackupPlatform.Agent.Commands;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>An entry of a recovery point.</summary>
internal readonly record struct EntryOf(OpenedPoint Point, CatalogEntry Entry);

/// <summary>
/// Tells what differs between two entries of a path: what a person would see, not what the machine keeps for itself to notice
/// changes. Contents are compared by their chunks; only where these are cut otherwise are they read.
/// </summary>
internal sealed class EntryComparison(ReadingSession session) : IDisposable
{
    private readonly FileContent _left = new(session);
    private readonly FileContent _right = new(session);

    /// <summary>In words that scripts can rely on: type, content, size, mode, owner, mtime, target, xattrs, device, links, incomplete.</summary>
    public async Task<List<string>> DifferencesAsync(EntryOf left, EntryOf right, CancellationToken cancellation)
    {
        var (old, now) = (left.Entry, right.Entry);
        if (old.Kind != now.Kind)
        {
            return ["type"];
        }

        var differences = new List<string>();
        if (old.Kind == CatalogEntryKind.File && !await SameContentAsync(left, right, cancellation))
        {
            differences.Add("content");
        }

        Add(old.Size != now.Size, "size");
        Add(old.Mode != now.Mode, "mode");
        Add((old.UserId, old.GroupId) != (now.UserId, now.GroupId), "owner");
        Add((old.ModifiedNanoseconds, old.ModifiedFar) != (now.ModifiedNanoseconds, now.ModifiedFar), "mtime");
        Add(!old.LinkTarget.Span.SequenceEqual(now.LinkTarget.Span), "target");
        Add(!SameAttributes(old, now), "xattrs");
        Add(old.DeviceNumber != now.DeviceNumber, "device");
        Add(old.HardLink?.First != now.HardLink?.First, "links");
        Add(old.Incomplete != now.Incomplete, "incomplete");
        return differences;

        void Add(bool differs, string what)
        {
            if (differs)
            {
                differences.Add(what);
            }
        }
    }

    /// <summary>Whether everything but the content is the same.</summary>
    public static bool LookSame(CatalogEntry left, CatalogEntry right) =>
        left.Kind == right.Kind
        && (left.Size, left.Mode, left.UserId, left.GroupId, left.ModifiedNanoseconds, left.ModifiedFar)
        == (right.Size, right.Mode, right.UserId, right.GroupId, right.ModifiedNanoseconds, right.ModifiedFar)
        && (left.Incomplete, left.DeviceNumber, left.HardLink?.First) == (right.Incomplete, right.DeviceNumber, right.HardLink?.First)
        && SameAttributes(left, right)
        && left.LinkTarget.Span.SequenceEqual(right.LinkTarget.Span);

    /// <summary>Many attributes have chunks of their own, which their content alone decides.</summary>
    private static bool SameAttributes(CatalogEntry left, CatalogEntry right) =>
        left.Attributes.Span.SequenceEqual(right.Attributes.Span)
        && left.AttributeExtents.AsSpan().SequenceEqual(right.AttributeExtents.AsSpan());

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    private async Task<bool> SameContentAsync(EntryOf left, EntryOf right, CancellationToken cancellation)
    {
        if (left.Entry.Size != right.Entry.Size)
        {
            return false;
        }

        return await SameExtentsAsync(left, right, cancellation) || await SameBytesAsync(left, right, cancellation);
    }

    private static async Task<bool> SameExtentsAsync(EntryOf left, EntryOf right, CancellationToken cancellation)
    {
        if (!left.Entry.ExtentsContinue && !right.Entry.ExtentsContinue)
        {
            return left.Entry.Extents.AsSpan().SequenceEqual(right.Entry.Extents.AsSpan());
        }

        await using var others = right.Point.Catalog.ReadExtentsAsync(right.Entry, cancellation).GetAsyncEnumerator(cancellation);
        await foreach (var extent in left.Point.Catalog.ReadExtentsAsync(left.Entry, cancellation))
        {
            if (!await others.MoveNextAsync() || others.Current != extent)
            {
                return false;
            }
        }

        return !await others.MoveNextAsync();
    }

    /// <summary>
    /// Small files share chunks, so that the same content lies elsewhere when it was read again, and a hole may have been filled
    /// with zeros. All else is cut by its content alone: other chunks are another content.
    /// </summary>
    private async Task<bool> SameBytesAsync(EntryOf left, EntryOf right, CancellationToken cancellation)
    {
        var (old, now) = (left.Entry, right.Entry);
        if (!old.HasHoles && !now.HasHoles && (old.Extents.Length != 1 || now.Extents.Length != 1))
        {
            return false;
        }

        await using var others = _right.ReadAsync(right, cancellation).GetAsyncEnumerator(cancellation);
        var other = ReadOnlyMemory<byte>.Empty;
        await foreach (var piece in _left.ReadAsync(left, cancellation))
        {
            for (var rest = piece; !rest.IsEmpty;)
            {
                if (other.IsEmpty)
                {
                    if (!await others.MoveNextAsync())
                    {
                        return false;
                    }

                    other = others.Current;
                }

                var length = Math.Min(rest.Length, other.Length);
                if (!rest.Span[..length].SequenceEqual(other.Span[..length]))
                {
                    return false;
                }

                (rest, other) = (rest[length..], other[length..]);
            }
        }

        return true;
    }
}
