using System.CommandLine;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Output;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>diff</c>: tells what differs between two recovery points.</summary>
internal static class DiffCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var from = new Argument<string>("POINT") { Description = "Recovery point to begin with: its id, a unique beginning of it, or 'latest'" };
        var to = new Argument<string>("POINT2") { HelpName = "POINT", Description = "Recovery point to compare it with" };
        var item = PointOptions.Item("Item that 'latest' is of (default: files)");
        var command = new Command(
            "diff",
            """
            Tells what was added (+), removed (-) and changed (M) from the first recovery point to the second, and in what: type,
            content, size, mode, owner, mtime (last modification), target (of a link), xattrs (extended attributes), device, incomplete.

            Examples:
              backup-agent diff 0199c0de latest
              backup-agent diff 0199c0de 0199d1ce --json
              backup-agent diff 0199c0de latest --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            from, to, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            using var old = await PointFinder.OpenAsync(session, parsed.GetRequiredValue(from), ofItem, cached: true, cancellation);
            using var now = await PointFinder.OpenAsync(session, parsed.GetRequiredValue(to), ofItem, cached: true, cancellation);
            return await RunAsync(context, session, old, now, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, OpenedPoint old, OpenedPoint now, CancellationToken cancellation)
    {
        OpenedPoint[] points = [old, now];
        var merge = new CatalogMerge(number => points[number].Pages, [old.Manifest.Root, now.Manifest.Root], passOverShared: true);
        using var comparison = new EntryComparison(session);
        var (added, removed, changed, unknown) = (0L, 0L, 0L, 0L);
        CatalogPath? unlisted = null;
        await foreach (var merged in merge.ReadAsync(cancellation))
        {
            if (merged.Versions[^1] is { Catalogs: [.., 1], Entry: { Kind: CatalogEntryKind.Directory, Incomplete: true } directory })
            {
                unlisted = directory.Path;
            }

            switch (merged.Versions)
            {
                case [{ Catalogs: [0] } known] when unlisted is { } closed && known.Entry.Path.IsUnder(closed):
                    // Its directory could not be read when the newer point was made: it need not be gone.
                    unknown++;
                    Tell(context.Report, "unknown", '?', known.Entry, []);
                    break;
                case [{ Catalogs: [0] } gone]:
                    removed++;
                    Tell(context.Report, "removed", '-', gone.Entry, []);
                    break;
                case [{ Catalogs: [1] } come]:
                    added++;
                    Tell(context.Report, "added", '+', come.Entry, []);
                    break;
                case [{ Catalogs: [0] } before, { Catalogs: [1] } after]:
                    var differences = await comparison.DifferencesAsync(
                        new EntryOf(old, before.Entry), new EntryOf(now, after.Entry), cancellation);
                    if (differences.Count > 0)
                    {
                        changed++;
                        Tell(context.Report, "changed", 'M', after.Entry, differences);
                    }

                    break;
            }
        }

        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteString("from", old.Id);
                writer.WriteString("to", now.Id);
                writer.WriteNumber("added", added);
                writer.WriteNumber("removed", removed);
                writer.WriteNumber("changed", changed);
                writer.WriteNumber("unknown", unknown);
            },
            $"{added} added, {removed} removed, {changed} changed" + (unknown > 0 ? $", {unknown} unknown: their directories could not be read" : ""));
        return ExitCodes.Done;
    }

    private static void Tell(Report report, string change, char letter, CatalogEntry entry, List<string> differences) => report.Result(
        "entry",
        writer =>
        {
            writer.WriteString("change", change);
            EntryLine.Write(writer, entry);
            if (differences.Count > 0)
            {
                writer.WriteStartArray("changes");
                foreach (var difference in differences)
                {
                    writer.WriteStringValue(difference);
                }

                writer.WriteEndArray();
            }
        },
        $"{letter} {CatalogPaths.ForPeople(entry.Path)}" + (differences.Count > 0 ? $"  ({string.Join(", ", differences)})" : ""));
}
