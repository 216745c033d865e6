using System.Globalization;
using System.Text.Json;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Output;

/// <summary>An entry of a recovery point as a line of a listing.</summary>
internal static class EntryLine
{
    public static void Tell(Report report, CatalogEntry entry) => report.Result("entry", writer => Write(writer, entry), Text(entry));

    /// <summary>The fields of an entry.</summary>
    public static void Write(Utf8JsonWriter writer, CatalogEntry entry)
    {
        writer.WritePath("path", CatalogPaths.Absolute(entry.Path));
        writer.WriteString("kind", KindName(entry.Kind));
        writer.WriteNumber("size", entry.Size);
        writer.WriteString("mode", Convert.ToString(entry.Mode, 8).PadLeft(4, '0'));
        writer.WriteString("mtime", EntryText.Text(entry.ModifiedNanoseconds));
        writer.WriteNumber("uid", entry.UserId);
        writer.WriteNumber("gid", entry.GroupId);
        if (entry.Kind == CatalogEntryKind.SymbolicLink)
        {
            writer.WritePath("target", entry.LinkTarget.Span);
        }

        if (entry.HardLink is { } link)
        {
            writer.WritePath("firstName", CatalogPaths.Absolute(link.First));
        }

        if (entry.Incomplete)
        {
            writer.WriteBoolean("incomplete", true);
        }
    }

    /// <summary>For people, as <c>ls -l</c> writes it.</summary>
    public static string Text(CatalogEntry entry) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Letter(entry.Kind)}{EntryText.Permissions(entry.Mode)} {entry.UserId,6} {entry.GroupId,6} {entry.Size,14} {EntryText.Text(entry.ModifiedNanoseconds),-20} {CatalogPaths.ForPeople(entry.Path)}")
        + (entry.Kind == CatalogEntryKind.SymbolicLink ? " -> " + PathText.ForPeople(entry.LinkTarget.Span) : "");

    private static string KindName(CatalogEntryKind kind) => kind switch
    {
        CatalogEntryKind.File => "file",
        CatalogEntryKind.Directory => "directory",
        CatalogEntryKind.SymbolicLink => "symlink",
        CatalogEntryKind.Fifo => "fifo",
        CatalogEntryKind.CharacterDevice => "chardev",
        _ => "blockdev",
    };

    private static char Letter(CatalogEntryKind kind) => kind switch
    {
        CatalogEntryKind.File => '-',
        CatalogEntryKind.Directory => 'd',
        CatalogEntryKind.SymbolicLink => 'l',
        CatalogEntryKind.Fifo => 'p',
        CatalogEntryKind.CharacterDevice => 'c',
        _ => 'b',
    };
}
