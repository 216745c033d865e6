using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>Restores what has no content: symbolic links, pipes and devices. None of them is ever opened.</summary>
internal sealed class SpecialWriter(TargetTree target, RestorePlan plan, ConflictRule rule, PathErrors errors, Shortfalls shortfalls)
{
    private readonly Attributes _attributes = new(shortfalls);

    /// <param name="extended">An entry's encoded extended attributes, by its index.</param>
    public void WriteAll(Func<int, byte[]> extended)
    {
        for (var i = 0; i < plan.Entries.Count; i++)
        {
            var (entry, leftOut, isOther) = (plan.Entries[i].Entry, plan.Entries[i].LeftOut, plan.Entries[i].IsOtherName);
            if (entry.Kind is CatalogEntryKind.File or CatalogEntryKind.Directory || leftOut || isOther)
            {
                continue;
            }

            var (index, attributes) = (i, extended(i));
            Attempt(entry, (directory, name) =>
            {
                if (Make(directory, name, entry, attributes) is { } temporary)
                {
                    LinkOthers(index, directory, temporary, attributes);
                    Publishing.PublishOrRemove(directory, temporary, name, rule);
                }
            });
        }
    }

    /// <summary>Makes it under a hidden name. Null where this user may not make such a thing.</summary>
    private byte[]? Make(SafeFileHandle directory, byte[] name, CatalogEntry entry, byte[] attributes)
    {
        var temporary = Publishing.TemporaryName(name);
        try
        {
            Create(directory, temporary, entry);
        }
        catch (FileError e) when (e.Number is Libc.ErrorNoPermission or Libc.ErrorNotSupported && entry.Kind != CatalogEntryKind.SymbolicLink)
        {
            shortfalls.Add("device-not-made", entry.Path, $"it is a device or a pipe, which could not be made: {e.Message}");
            return null;
        }

        try
        {
            _attributes.Set(null, directory, temporary, entry, attributes);
            return temporary;
        }
        catch
        {
            FileSystem.Remove(directory, temporary);
            throw;
        }
    }

    private static void Create(SafeFileHandle directory, byte[] name, CatalogEntry entry)
    {
        switch (entry.Kind)
        {
            case CatalogEntryKind.SymbolicLink:
                FileSystem.MakeSymbolicLink(entry.LinkTarget.Span, directory, name);
                break;
            case CatalogEntryKind.Fifo:
                FileSystem.MakeSpecial(directory, name, FileKind.Fifo, 0);
                break;
            case CatalogEntryKind.CharacterDevice:
                FileSystem.MakeSpecial(directory, name, FileKind.CharacterDevice, entry.DeviceNumber);
                break;
            default:
                FileSystem.MakeSpecial(directory, name, FileKind.BlockDevice, entry.DeviceNumber);
                break;
        }
    }

    private void LinkOthers(int index, SafeFileHandle directory, byte[] temporary, byte[] attributes)
    {
        foreach (var other in plan.OtherNames(index).Select(i => plan.Entries[i].Entry))
        {
            Attempt(other, (otherDirectory, name) =>
            {
                try
                {
                    Publishing.PublishLink(directory, temporary, otherDirectory, name, rule);
                }
                catch (FileError e) when (FileCopy.IsNeeded(e))
                {
                    if (Make(otherDirectory, name, other, attributes) is { } own)
                    {
                        Publishing.PublishOrRemove(otherDirectory, own, name, rule);
                    }
                }
            });
        }
    }

    private void Attempt(CatalogEntry entry, Action<SafeFileHandle, byte[]> action)
    {
        try
        {
            target.In(entry.Path, (directory, name) =>
            {
                action(directory, name);
                return true;
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(CatalogPaths.Absolute(entry.Path), "not-restored", e.Message);
        }
    }
}
