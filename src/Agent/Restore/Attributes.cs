using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>Gives restored entries their owner, mode and times.</summary>
internal static class Attributes
{
    /// <summary>For an open file or directory: the owner before the mode, for a new owner loses set-id bits.</summary>
    public static void Set(SafeFileHandle open, SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry)
    {
        SetOwner(directory, name, entry);
        FileSystem.SetMode(open, entry.Mode);
        FileSystem.SetTime(directory, name, entry.ModifiedNanoseconds);
    }

    /// <summary>For a symbolic link, which has no mode of its own.</summary>
    public static void SetLink(SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry)
    {
        SetOwner(directory, name, entry);
        FileSystem.SetTime(directory, name, entry.ModifiedNanoseconds);
    }

    private static void SetOwner(SafeFileHandle directory, ReadOnlySpan<byte> name, CatalogEntry entry)
    {
        try
        {
            FileSystem.SetOwner(directory, name, entry.UserId, entry.GroupId);
        }
        catch (FileError e) when (e.Number == Libc.ErrorNoPermission && Libc.EffectiveUser() != 0)
        {
            // Only root gives files away: restored by anybody else, they are that user's.
        }
    }
}
