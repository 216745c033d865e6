using System.CommandLine;
using BackupPlatform.Agent.Catalogs;
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
              backup-agent ls latest --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            point, path, recursive, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            using var opened = await PointFinder.OpenAsync(session, parsed.GetRequiredValue(point), ofItem, cached: true, cancellation);
            return await RunAsync(context, opened, parsed.GetValue(path), parsed.GetValue(recursive), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, OpenedPoint point, string? argument, bool recursive, CancellationToken cancellation)
    {
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
            EntryLine.Tell(context.Report, found);
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
}
