using System.CommandLine;
using System.Globalization;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>ls</c>: lists what is in a recovery point.</summary>
internal static class ListCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var point = PointOptions.Point();
        var path = new Argument<string?>("PATH") { Description = "Folder or file, as it was on the source", Arity = ArgumentArity.ZeroOrOne };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "Everything below, too" };
        var item = PointOptions.Item("Item that 'latest' is of (default: files)");
        var command = new Command(
            "ls",
            """
            Lists what is in a recovery point.

            Examples:
              backup-agent ls latest
              backup-agent ls latest /home/ann --recursive
            """)
        {
            point, path, recursive, item,
        };
        command.Run(options, host, (parsed, context, cancellation) => RunAsync(
            context,
            parsed.GetRequiredValue(point),
            parsed.GetValue(path),
            parsed.GetValue(recursive),
            PointOptions.CheckItem(parsed.GetValue(item)),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, string name, string? argument, bool recursive, string? item, CancellationToken cancellation)
    {
        using var session = MachineSession.Open(context);
        using var point = await PointFinder.OpenAsync(context, session, name, item, cached: true, cancellation);
        var path = argument is null ? CatalogPath.Root : CatalogPaths.Of(argument);
        var entry = path.IsRoot ? null : await point.Catalog.FindAsync(path, cancellation) ?? throw Missing(path);
        if (recursive && path.IsRoot)
        {
            await point.Pages.PrefetchAsync(point.Catalog, cancellation);
        }

        var entries = entry is { Kind: not CatalogEntryKind.Directory }
            ? new[] { entry }.ToAsyncEnumerable()
            : recursive ? point.Catalog.ReadAsync(path, cancellation) : point.Catalog.ReadChildrenAsync(path, cancellation);
        long count = 0;
        await foreach (var found in entries)
        {
            // A folder's own line would stand before what is in it.
            if (found.Path == path && found.Kind == CatalogEntryKind.Directory)
            {
                continue;
            }

            count++;
            Tell(context.Report, found);
        }

        context.Report.JsonSummary(writer =>
        {
            writer.WriteString("recoveryPointId", point.Id);
            writer.WriteNumber("entries", count);
        });
        return ExitCodes.Done;
    }

    internal static AgentException Missing(CatalogPath path) => AgentException.Failed(
        $"{CatalogPaths.ForPeople(path)} is not in the recovery point. 'backup-agent ls POINT' shows what is.", "not-found");

    private static void Tell(Report report, CatalogEntry entry) => report.Result(
        "entry",
        writer =>
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

            if (entry.Incomplete)
            {
                writer.WriteBoolean("incomplete", true);
            }
        },
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Letter(entry.Kind)}{EntryText.Permissions(entry.Mode)} {entry.UserId,6} {entry.GroupId,6} {entry.Size,14} {EntryText.Text(entry.ModifiedNanoseconds),-20} {CatalogPaths.ForPeople(entry.Path)}")
        + (entry.Kind == CatalogEntryKind.SymbolicLink ? " -> " + PathText.ForPeople(entry.LinkTarget.Span) : ""));

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
