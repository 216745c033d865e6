using System.CommandLine;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>dump</c>: writes a file's content to standard output.</summary>
internal static class DumpCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var point = PointOptions.Point();
        var path = new Argument<string>("PATH") { Description = "File, as it was on the source" };
        var item = PointOptions.Item("Item that 'latest' is of (default: files)");
        var command = new Command(
            "dump",
            """
            Writes a file of a recovery point to standard output, and nothing else there: with --json the summary goes to standard
            error, as messages do. Each part is verified before it is written.

            Examples:
              backup-agent dump latest /etc/hosts
              backup-agent dump latest shop.sql --item shop.sql | psql shop
              backup-agent dump latest /etc/hosts --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            point, path, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host with { Output = host.Errors }, async (parsed, context, cancellation) =>
        {
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            var file = CatalogPaths.Of(parsed.GetRequiredValue(path));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            using var opened = await PointFinder.OpenAsync(session, parsed.GetRequiredValue(point), ofItem, cached: true, cancellation);
            return await RunAsync(context, session, opened, file, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, OpenedPoint point, CatalogPath path, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        var entry = (path.IsRoot ? null : await point.Catalog.FindAsync(path, cancellation)) ?? throw ListCommand.Missing(path);
        if (entry.Kind != CatalogEntryKind.File)
        {
            throw AgentException.Failed($"{CatalogPaths.ForPeople(path)} is no file: 'backup-agent restore' brings it back.", "invalid");
        }

        await using var output = context.Host.OpenOutput();
        using var contents = new FileContent(session);
        long bytes = 0;
        await foreach (var piece in contents.ReadAsync(new EntryOf(point, entry), cancellation))
        {
            await output.WriteAsync(piece, cancellation);
            bytes += piece.Length;
        }

        await output.FlushAsync(cancellation);
        if (entry.Incomplete)
        {
            context.Report.Warn($"{CatalogPaths.ForPeople(path)} changed while it was backed up: this is what was read of it.");
        }

        context.Report.JsonSummary(writer =>
        {
            PointOrigin.Of(session, point, context.Time.GetUtcNow()).Write(writer);
            writer.WriteNumber("bytesRestored", bytes);
            writer.WriteNumber("seconds", Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 3));
        });
        return ExitCodes.Done;
    }
}
