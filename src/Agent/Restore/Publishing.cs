using System.Text;
using BackupPlatform.Agent.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>The names of restored entries: hidden ones while they are made, and the real ones in one step.</summary>
internal static class Publishing
{
    private const int MaxName = 255;

    /// <summary>A hidden name that shows what it will be, and that nothing else has.</summary>
    public static byte[] TemporaryName(ReadOnlySpan<byte> name)
    {
        Span<byte> random = stackalloc byte[8];
        Random.Shared.NextBytes(random);
        return Named("."u8, name, ".partial-" + Convert.ToHexStringLower(random));
    }

    /// <summary>Gives a complete entry its name. Null where it is to be left out, because something of that name is there.</summary>
    /// <exception cref="IOException">Something is in the way that the rule does not cover.</exception>
    public static byte[]? Publish(SafeFileHandle directory, byte[] temporary, byte[] wanted, ConflictRule rule)
    {
        if (FileSystem.Rename(directory, temporary, wanted, replace: rule == ConflictRule.Overwrite))
        {
            return wanted;
        }

        return rule switch
        {
            ConflictRule.Skip => null,
            ConflictRule.Rename => PublishBeside(directory, temporary, wanted),
            _ => throw new IOException("something of that name came to be there while the restore was running"),
        };
    }

    /// <summary>
    /// Gives a complete entry, which still has its hidden name, one more name. Null as with
    /// <see cref="Publish"/>.
    /// </summary>
    /// <exception cref="IOException">As with <see cref="Publish"/>, or the system refuses the link.</exception>
    public static byte[]? PublishLink(
        SafeFileHandle directory, byte[] temporary, SafeFileHandle otherDirectory, byte[] wanted, ConflictRule rule)
    {
        var other = TemporaryName(wanted);
        FileSystem.Link(directory, temporary, otherDirectory, other);
        return PublishOrRemove(otherDirectory, other, wanted, rule);
    }

    /// <summary>As <see cref="Publish"/>, and removes the hidden name where that does not become the real one.</summary>
    public static byte[]? PublishOrRemove(SafeFileHandle directory, byte[] temporary, byte[] wanted, ConflictRule rule)
    {
        byte[]? name = null;
        try
        {
            name = Publish(directory, temporary, wanted, rule);
        }
        finally
        {
            if (name is null)
            {
                FileSystem.Remove(directory, temporary);
            }
        }

        return name;
    }

    private static byte[] PublishBeside(SafeFileHandle directory, byte[] temporary, byte[] wanted)
    {
        for (var attempt = 1; ; attempt++)
        {
            var other = Named(default, wanted, attempt == 1 ? ".restored" : $".restored-{attempt}");
            if (FileSystem.Rename(directory, temporary, other, replace: false))
            {
                return other;
            }
        }
    }

    private static byte[] Named(ReadOnlySpan<byte> before, ReadOnlySpan<byte> name, string after)
    {
        var end = Encoding.ASCII.GetBytes(after);
        return [.. before, .. name[..Math.Min(name.Length, MaxName - before.Length - end.Length)], .. end];
    }
}
