using System.CommandLine;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Restore;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>verify</c>: checks that a recovery point can be restored.</summary>
internal static class VerifyCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var point = PointOptions.Point();
        var readData = new Option<bool>("--read-data") { Description = "Read and decrypt everything, too" };
        var item = PointOptions.Item("Item that 'latest' is of (default: files)");
        var command = new Command(
            "verify",
            """
            Checks that everything of a recovery point is in the vault and, with --read-data, that it decrypts to what was backed up.

            Examples:
              backup-agent verify latest
              backup-agent verify latest --read-data --json
              backup-agent verify latest --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            point, readData, item,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var ofItem = PointOptions.CheckItem(parsed.GetValue(item));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            return await RunAsync(context, session, parsed.GetRequiredValue(point), parsed.GetValue(readData), ofItem, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, string name, bool readData, string? item, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var point = await PointFinder.OpenAsync(session, name, item, cached: false, cancellation);
        var errors = new PathErrors(context.Report);
        var outcome = await new VerifyRun(context, session, point, errors).RunAsync(readData, cancellation);
        var time = TimeProvider.System.GetElapsedTime(start);
        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteString("recoveryPointId", point.Id);
                writer.WriteNumber("filesChecked", outcome.Files);
                writer.WriteNumber("chunksChecked", outcome.Chunks);
                writer.WriteNumber("bytesRead", outcome.Bytes);
                writer.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
                errors.Write(writer);
            },
            $"Recovery point {point.Id}: {Humane.Count(outcome.Files, "file", "files")}, {Humane.Count(outcome.Chunks, "chunk", "chunks")}"
            + (readData ? $", {Humane.Bytes(outcome.Bytes)} read" : "")
            + (outcome.FoundDamage ? $": DAMAGED, {Humane.Count(errors.Count, "path", "paths")} named above" : ": everything is there")
            + $", {Humane.Seconds(time)}");
        return outcome.FoundDamage ? ExitCodes.Damaged : ExitCodes.Done;
    }
}
