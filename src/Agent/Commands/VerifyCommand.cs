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
            """)
        {
            point, readData, item,
        };
        command.Run(options, host, (parsed, context, cancellation) => RunAsync(
            context,
            parsed.GetRequiredValue(point),
            parsed.GetValue(readData),
            PointOptions.CheckItem(parsed.GetValue(item)),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, string name, bool readData, string? item, CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var session = MachineSession.Open(context);
        using var point = await PointFinder.OpenAsync(context, session, name, item, cached: false, cancellation);
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
