using System.CommandLine;
using System.Globalization;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>find</c>: tells in which recovery points something is.</summary>
internal static class FindCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var pattern = new Argument<string>("PATTERN")
        {
            Description = "Glob for the last name, or, with a '/' in it, for the path; case counts",
        };
        var point = new Option<string?>("--point")
        {
            Description = "Only in this recovery point: its id, a unique beginning of it, or 'latest' (default: all)", HelpName = "POINT",
        };
        var item = PointOptions.Item("Item whose recovery points are searched (default: files)");
        var command = new Command(
            "find",
            """
            Searches an item's recovery points and tells each version of what it finds once, the newest first, with the newest
            recovery point that has it and how many have it; with --json all of them.

            A pattern that begins with '/' is for the whole path, one with '/' inside for the end of it, any other for the last name.
            * stands for any characters of a name, ? for one, [a-z] and [!a-z] for one of a set, ** for any number of folders; \ takes
            the next character as it is. Quote the pattern, so that the shell leaves it alone.

            Examples:
              backup-agent find 'report*.txt'
              backup-agent find '/home/*/.ssh/**' --point latest
              backup-agent find '*.sql' --item projects --json
              backup-agent find hosts --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            pattern, point, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            var names = new FindPattern(parsed.GetRequiredValue(pattern));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            using var history = await ItemHistory.OpenAsync(session, parsed.GetValue(point), ofItem, cancellation);
            return await RunAsync(context, session, history, names, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, ItemHistory history, FindPattern names, CancellationToken cancellation)
    {
        using var comparison = new EntryComparison(session);
        long found = 0;
        await foreach (var merged in history.Merge().ReadAsync(cancellation))
        {
            if (!names.IsMatch(merged.Path))
            {
                continue;
            }

            foreach (var version in await history.VersionsAsync(merged, comparison, cancellation))
            {
                found++;
                Tell(context.Report, history, version);
            }
        }

        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteNumber("entries", found);
                writer.WriteNumber("points", history.Points.Count);
            },
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Humane.Count(found, "version", "versions")} in {Humane.Count(history.Points.Count, "recovery point", "recovery points")}"));
        return ExitCodes.Done;
    }

    private static void Tell(Report report, ItemHistory history, CatalogVersion version)
    {
        var newest = history.Points[version.Catalogs[0]];
        report.Result(
            "entry",
            writer =>
            {
                writer.WriteString("point", newest.Id);
                writer.WriteString("createdAt", newest.Manifest.CreatedAt);
                EntryLine.Write(writer, version.Entry);
                writer.WriteStartArray("points");
                foreach (var number in version.Catalogs)
                {
                    writer.WriteStringValue(history.Points[number].Id);
                }

                writer.WriteEndArray();
            },
            $"{newest.Id}  {Humane.Time(newest.Manifest.CreatedAt)}  {"x" + version.Catalogs.Count,-4} {EntryLine.Text(version.Entry)}");
    }
}
