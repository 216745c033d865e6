using System.Text;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>
/// Gives restored entries their owner, extended attributes, mode and times. What the system refuses is noted, and the entry
/// is restored without it.
/// </summary>
internal sealed class Attributes(Shortfalls shortfalls)
{
    private const uint SetIds = 0xc00;

    /// <summary>
    /// In this order: a new owner loses capabilities and set-id bits; the owner of a file may set attributes while it is
    /// writable, which the mode may end; everything before sets no time that the times do not set again.
    /// </summary>
    /// <param name="open">A file or directory; null for what is not opened: symbolic links, pipes and devices.</param>
    /// <param name="extended">Encoded extended attributes.</param>
    /// <param name="quiet">For a directory that only leads to what was backed up: not worth a word.</param>
    public void Set(
        SafeFileHandle? open, SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry, ReadOnlySpan<byte> extended, bool quiet = false)
    {
        var notes = quiet ? new Shortfalls() : shortfalls;
        var owned = SetOwner(directory, name, entry, notes);
        SetExtended(directory, name, entry, extended, notes);
        SetMode(open, directory, name, entry, owned, notes);
        SetTime(open, directory, name, entry, notes);
    }

    private static bool SetOwner(SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry, Shortfalls notes)
    {
        try
        {
            FileSystem.SetOwner(directory, name, entry.UserId, entry.GroupId);
            return true;
        }
        catch (FileError e) when (e.Number is Libc.ErrorNoPermission or Libc.ErrorInvalid or Libc.ErrorNotSupported)
        {
            TrySetGroup(directory, name, entry.GroupId);
            notes.Add("owner-not-set", entry.Path, $"owner {entry.UserId}:{entry.GroupId} could not be set, only root can: {e.Message}");
            return false;
        }
    }

    private static void TrySetGroup(SafeFileHandle directory, ReadOnlySpan<byte> name, uint group)
    {
        try
        {
            // Everybody may give a file to a group that he is in.
            FileSystem.SetOwner(directory, name, uint.MaxValue, group);
        }
        catch (FileError)
        {
            // Told by the caller, with the owner.
        }
    }

    private static void SetExtended(
        SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry, ReadOnlySpan<byte> extended, Shortfalls notes)
    {
        var attributes = ExtendedAttributes.Decode(extended, $"catalog entry '{entry.Path}'");
        RemoveInherited(directory, name, attributes);
        foreach (var attribute in attributes)
        {
            try
            {
                FileExtendedAttributes.Set(directory, name, attribute.Name.Span, attribute.Value.Span);
            }
            catch (FileError e) when (!HasValue(directory, name, attribute))
            {
                var text = Encoding.UTF8.GetString(attribute.Name.Span);
                notes.Add(
                    $"attribute-not-set:{(text.StartsWith("system.", StringComparison.Ordinal) ? text : text.Split('.')[0])}",
                    entry.Path,
                    $"extended attribute {text} could not be set: {e.Message}");
            }
            catch (FileError)
            {
                // It is there all the same.
            }
        }
    }

    /// <summary>Whether it has that already: a security label that only root may set is mostly the one that it got.</summary>
    private static bool HasValue(SafeFileHandle directory, ReadOnlySpan<byte> name, AttributeValue wanted)
    {
        try
        {
            return FileExtendedAttributes.Read(directory, name).Exists(
                there => there.Name.Span.SequenceEqual(wanted.Name.Span) && there.Value.Span.SequenceEqual(wanted.Value.Span));
        }
        catch (FileError)
        {
            return false;
        }
    }

    /// <summary>Access control lists that the directory above gave it, and that it did not have.</summary>
    private static void RemoveInherited(SafeFileHandle directory, ReadOnlySpan<byte> name, IReadOnlyList<AttributeValue> wanted)
    {
        try
        {
            foreach (var there in FileExtendedAttributes.Names(directory, name))
            {
                if (there.AsSpan().StartsWith("system.posix_acl_"u8) && !wanted.Any(attribute => attribute.Name.Span.SequenceEqual(there)))
                {
                    FileExtendedAttributes.Remove(directory, name, there);
                }
            }
        }
        catch (FileError)
        {
            // The mode that is set afterwards bounds what a list that stays allows.
        }
    }

    private static void SetMode(
        SafeFileHandle? open, SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry, bool owned, Shortfalls notes)
    {
        if (entry.Kind == CatalogEntryKind.SymbolicLink)
        {
            return;
        }

        var mode = entry.Mode;
        if (!owned && (mode & SetIds) != 0 && entry.Kind != CatalogEntryKind.Directory)
        {
            // It would run with the rights of whoever restored it.
            mode &= ~SetIds;
            notes.Add("set-id-not-set", entry.Path, "its set-user-id and set-group-id bits are left out, for its owner could not be set");
        }

        try
        {
            if (open is null)
            {
                FileSystem.SetMode(directory, name, mode);
            }
            else
            {
                FileSystem.SetMode(open, mode);
            }
        }
        catch (FileError e) when (e.Number is Libc.ErrorNoPermission or Libc.ErrorNotSupported)
        {
            notes.Add("mode-not-set", entry.Path, $"mode {Convert.ToString(mode, 8)} could not be set: {e.Message}");
        }
    }

    private static void SetTime(
        SafeFileHandle? open, SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry, Shortfalls notes)
    {
        var time = entry.ModifiedFar ?? FileSystem.TimeOf(entry.ModifiedNanoseconds);
        try
        {
            if (open is null)
            {
                FileSystem.SetTime(directory, name, time);
            }
            else
            {
                FileSystem.SetTime(open, time);
            }
        }
        catch (FileError e) when (e.Number is Libc.ErrorNoPermission or Libc.ErrorInvalid or Libc.ErrorNotSupported)
        {
            notes.Add("time-not-set", entry.Path, $"its time could not be set: {e.Message}");
        }
    }
}
