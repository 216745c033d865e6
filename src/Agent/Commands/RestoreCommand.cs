using System.CommandLine;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Restore;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>restore</c>: brings files and folders of a recovery point back.</summary>
internal static class RestoreCommand
{
    private static readonly string[] s_rules = ["fail", "skip", "overwrite", "rename"];

    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var point = PointOptions.Point();
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Files and folders, as they were on the source (default: everything)", Arity = ArgumentArity.ZeroOrMore,
        };
        var target = new Option<string>("--target")
        {
            Description = "Folder to restore into; the full source path is kept below it", HelpName = "DIR", Required = true,
        };
        var conflict = new Option<string>("--on-conflict")
        {
            Description = "What to do where a file is there already: fail (restore nothing), skip, overwrite, rename",
            HelpName = "RULE",
            DefaultValueFactory = _ => s_rules[0],
        };
        conflict.AcceptOnlyFromAmong(s_rules);
        var verify = new Option<bool>("--verify") { Description = "Read every restored file back from the disk and compare; a file that differs is named, exit status 7" };
        var item = PointOptions.Item("Item that 'latest' is of (default: files)");
        var command = new Command(
            "restore",
            """
            Restores files and folders of a recovery point: contents, holes, links, pipes and devices, with owners, permissions,
            times and extended attributes. What this user or the target's file system cannot set is named once for each kind,
            exit status 3.

            Examples:
              backup-agent restore latest --target /tmp/restored
              backup-agent restore 0199c0de /home/ann/report.txt /etc/hosts --target /tmp/restored
              backup-agent restore latest /srv --target / --on-conflict overwrite --verify
              backup-agent restore latest --target /tmp/web-1 --machine web-1 --credentials V.VaultCredentials \
                --passphrase-file passphrase.txt
            """)
        {
            point, paths, target, conflict, verify, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var order = new RestoreOrder(
                PathBytes.Absolute(PathText.Encode(parsed.GetRequiredValue(target)), FileSystem.WorkingDirectory()),
                [.. (parsed.GetValue(paths) ?? []).Select(CatalogPaths.Of)],
                Enum.Parse<ConflictRule>(parsed.GetRequiredValue(conflict), ignoreCase: true),
                parsed.GetValue(verify));
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            return await RunAsync(context, session, parsed.GetRequiredValue(point), ofItem, order, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, string name, string? item, RestoreOrder order, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var point = await PointFinder.OpenAsync(session, name, item, cached: true, cancellation);
        var origin = PointOrigin.Of(session, point, context.Time.GetUtcNow());
        context.Report.Note(origin.Text);
        var errors = new PathErrors(context.Report);
        var outcome = await new RestoreRun(context, session, point, order, errors).RunAsync(cancellation);
        Tell(context.Report, origin, outcome, errors, TimeProvider.System.GetElapsedTime(start));
        return outcome.FoundDamage ? ExitCodes.Damaged
            : outcome.Failed ? ExitCodes.Failed
            : outcome.FellShort ? ExitCodes.Incomplete
            : ExitCodes.Done;
    }

    private static void Tell(Report report, PointOrigin origin, RestoreOutcome outcome, PathErrors errors, TimeSpan time) => report.Result(
        "summary",
        writer =>
        {
            origin.Write(writer);
            if (outcome.JobId is { } job)
            {
                writer.WriteString("restoreJobId", job);
            }
            else
            {
                writer.WriteNull("restoreJobId");
            }

            writer.WriteNumber("filesRestored", outcome.Files);
            writer.WriteNumber("bytesRestored", outcome.Bytes);
            writer.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
            errors.Write(writer);
        },
        $"Restored {Humane.Count(outcome.Files, "file", "files")}, {Humane.Bytes(outcome.Bytes)}, from recovery point {origin.Id}, {Humane.Seconds(time)}"
        + (errors.Count > 0 ? $"\n{Humane.Count(errors.Count, "path", "paths")} could not be restored in full; they are named above." : ""));
}
