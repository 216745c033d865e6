using System.CommandLine;
using BackupPlatform.Agent.Backup;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>backup</c>: makes a recovery point of files and folders.</summary>
internal static class BackupCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Files and folders to back up, all in one recovery point", Arity = ArgumentArity.ZeroOrMore,
        };
        var item = PointOptions.Item("Item that the recovery point is of (default: files)");
        var stream = new StreamOptions();
        var limit = new Option<string?>("--limit-upload")
        {
            Description = "Send no faster than this: bytes a second, such as 500K (KiB/s) or 5M (MiB/s)", HelpName = "RATE",
        };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Name what is left out: sockets, the agent's own home, what is excluded" };
        var excludes = ExcludeOptions.Create();
        var command = new Command(
            "backup",
            """
            Backs up files and folders into a new recovery point. What is as it was in the item's last one is not read again. Or one
            stream as one file: from a pipe, or from a command, which must end with 0.

            All that Linux keeps is backed up: types, modes, owners, times, symbolic and hard links, holes, pipes, devices, extended
            attributes and access control lists. Sockets are not. Mount points are crossed.

            Patterns of --exclude and of the lines of --exclude-file, as in .gitignore; case counts:
              *.tmp           a name, at any depth; * is any characters, ? is one, [a-z] and [!a-z] one of a set, \* is the star itself
              build/          directories alone
              docs/*.pdf      with a '/' inside: the way from a PATH that is backed up
              /srv/cache      with a '/' in front: the way from the root of the file system
              logs/**/old     ** is any number of directories; **/a/b is a/b at any depth
              !keep.tmp       to be kept after all; the last pattern that matches decides, those of files come first
            What lies in an excluded directory cannot be kept. A PATH that lies in no other one is never excluded itself.

            Examples:
              backup-agent backup /home /etc
              backup-agent backup --item projects ~/projects
              backup-agent backup /home --exclude '*.tmp' --exclude '.cache/' --exclude-caches
              backup-agent backup / --exclude-file /etc/backup-agent.exclude --exclude /proc --exclude /sys
              backup-agent backup --json /srv | tail -1
              backup-agent backup --limit-upload 5M /srv
              pg_dump shop | backup-agent backup --stdin-name shop.sql
              backup-agent backup --command shop.sql -- pg_dump shop
            """)
        {
            paths, item, verbose, excludes.Patterns, excludes.Files, excludes.Caches, limit,
        };
        stream.AddTo(command);
        command.Run(options, host, (parsed, context, cancellation) =>
        {
            if (parsed.GetValue(limit) is { } rate)
            {
                context = context with { UploadLimit = UploadLimit.Parse(rate, TimeProvider.System) };
            }

            var (named, arguments) = (PointOptions.CheckItem(parsed.GetValue(item)), parsed.GetValue(paths) ?? []);
            return stream.Read(parsed, named, arguments) is { } order
                ? RunAsync(context, order, cancellation)
                : RunAsync(context, named ?? PointFinder.DefaultItem, arguments, excludes.Read(parsed), parsed.GetValue(verbose), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, string item, string[] arguments, ExcludeRules rules, bool verbose, CancellationToken cancellation)
    {
        if (arguments.Length == 0)
        {
            throw AgentException.Usage("Name the files and folders to back up.");
        }

        var start = TimeProvider.System.GetTimestamp();
        context.Home.RequireMachine();
        var workingDirectory = FileSystem.WorkingDirectory();
        var paths = arguments.Select(path => PathBytes.Absolute(PathText.Encode(path), workingDirectory)).ToList();
        if (paths.TrueForAll(path => !Exists(path)))
        {
            throw AgentException.Failed($"Nothing to back up: {string.Join(", ", paths.Select(path => PathText.ForPeople(path)))} cannot be found.");
        }

        using var guard = context.Home.LockItem(item);
        using var session = MachineSession.Open(context);
        var errors = new PathErrors(context.Report);
        var outcome = await new BackupRun(context, session, item, paths, errors) { Verbose = verbose, Rules = rules }.RunAsync(cancellation);
        Tell(context.Report, item, outcome, errors, TimeProvider.System.GetElapsedTime(start));
        return errors.Count > 0 ? ExitCodes.Incomplete : ExitCodes.Done;
    }

    private static async Task<int> RunAsync(CommandContext context, StreamOrder order, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        context.Home.RequireMachine();
        using var guard = context.Home.LockItem(order.Name);
        using var session = MachineSession.Open(context);
        var errors = new PathErrors(context.Report);
        var run = new BackupRun(context, session, order.Name, [PathBytes.Join(PathBytes.Root, PathText.Encode(order.Name))], errors)
        {
            OpenStream = () => order.Open(context.Host, cancellation),
        };
        var outcome = await run.RunAsync(cancellation);
        Tell(context.Report, order.Name, outcome, errors, TimeProvider.System.GetElapsedTime(start));
        return ExitCodes.Done;
    }

    private static bool Exists(byte[] path)
    {
        try
        {
            return FileSystem.TryStat(FileSystem.CurrentDirectory, path) is not null;
        }
        catch (FileError)
        {
            // It may be there; the walk names what is wrong with it.
            return true;
        }
    }

    private static void Tell(Report report, string item, BackupOutcome outcome, PathErrors errors, TimeSpan time)
    {
        var totals = outcome.Totals;
        report.Result(
            "summary",
            writer =>
            {
                writer.WriteString("recoveryPointId", outcome.Point.Id);
                writer.WriteString("item", item);
                writer.WriteNumber("sequence", outcome.Point.Sequence);
                writer.WriteNumber("filesTotal", totals.Files);
                writer.WriteNumber("filesNew", totals.New);
                writer.WriteNumber("filesChanged", totals.Changed);
                writer.WriteNumber("filesUnmodified", totals.Unmodified);
                writer.WriteNumber("leftOut", totals.LeftOut);
                writer.WriteNumber("bytesTotal", totals.Bytes);
                writer.WriteNumber("bytesUploaded", outcome.BytesUploaded);
                writer.WriteNumber("chunksNew", outcome.ChunksNew);
                writer.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
                errors.Write(writer);
            },
            $"""
            Recovery point {outcome.Point.Id} of item '{item}', number {outcome.Point.Sequence}
            {Humane.Count(totals.Files, "file", "files")}, {Humane.Bytes(totals.Bytes)}: {totals.New} new, {totals.Changed} changed, {totals.Unmodified} unmodified
            Sent {Humane.Bytes(outcome.BytesUploaded)} in {Humane.Count(outcome.ChunksNew, "new chunk", "new chunks")}, {Humane.Seconds(time)}
            """
            + (totals.LeftOut > 0 ? $"\n{totals.LeftOut} left out: sockets, what is excluded, the agent's own state; --verbose names them" : "")
            + (errors.Count > 0 ? $"\n{Humane.Count(errors.Count, "path", "paths")} could not be read; they are named above." : ""));
    }
}
