using BackupPlatform.Agent.Backup;
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
    private readonly FileContent _contents = new(session);

    /// <summary>In words that scripts can rely on: type, content, size, mode, owner, mtime, target, device, attributes, links.</summary>
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
        Add(old.DeviceNumber != now.DeviceNumber, "device");
        Add(!SameAttributes(old, now), "attributes");
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
        && (left.Size, left.Mode, left.UserId, left.GroupId, left.ModifiedNanoseconds, left.Incomplete)
        == (right.Size, right.Mode, right.UserId, right.GroupId, right.ModifiedNanoseconds, right.Incomplete)
        && left.ModifiedFar == right.ModifiedFar && left.DeviceNumber == right.DeviceNumber && SameAttributes(left, right)
        && left.LinkTarget.Span.SequenceEqual(right.LinkTarget.Span);

    private static bool SameAttributes(CatalogEntry left, CatalogEntry right) =>
        left.Attributes.Span.SequenceEqual(right.Attributes.Span)
        && left.AttributeExtents.AsSpan().SequenceEqual(right.AttributeExtents.AsSpan());

    public void Dispose() => _contents.Dispose();

    private async Task<bool> SameContentAsync(EntryOf left, EntryOf right, CancellationToken cancellation)
    {
        if (left.Entry.Size != right.Entry.Size)
        {
            return false;
        }

        await using var others = right.Point.Catalog.ReadExtentsAsync(right.Entry, cancellation).GetAsyncEnumerator(cancellation);
        await foreach (var extent in left.Point.Catalog.ReadExtentsAsync(left.Entry, cancellation))
        {
            if (!await others.MoveNextAsync()
                || (others.Current != extent && !await SameBytesAsync(left.Point, extent, right.Point, others.Current, cancellation)))
            {
                return false;
            }
        }

        return !await others.MoveNextAsync();
    }

    /// <summary>
    /// Small files, and small parts between holes, share chunks, so that the same content lies elsewhere when it was read
    /// again. A large one is cut by its content alone: other chunks are another content.
    /// </summary>
    private async Task<bool> SameBytesAsync(
        OpenedPoint leftPoint, Extent left, OpenedPoint rightPoint, Extent right, CancellationToken cancellation)
    {
        if (left.IsHole || right.IsHole || left.Length != right.Length || left.Length >= FileExtents.SmallFile)
        {
            return false;
        }

        var content = (await _contents.ReadAsync(leftPoint, left, cancellation)).ToArray();
        return (await _contents.ReadAsync(rightPoint, right, cancellation)).Span.SequenceEqual(content);
    }
}
