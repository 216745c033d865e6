using System.CommandLine;
using System.Globalization;
using BackupPlatform.Agent.Output;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>points</c>: lists the machine's recovery points.</summary>
internal static class PointsCommand
{
    private const int Together = 8;

    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var item = PointOptions.Item("Only recovery points of this item");
        var all = new Option<bool>("--all") { Description = "Expired and deleted ones, too" };
        var command = new Command(
            "points",
            """
            Lists recovery points, newest first: this machine's, or with --machine another one's.

            Examples:
              backup-agent points
              backup-agent points --item projects --json
              backup-agent points --machine web-1 --credentials V.VaultCredentials --passphrase-file passphrase.txt
            """)
        {
            item, all,
        };
        var reading = new ReadingOptions();
        reading.AddTo(command);
        command.Run(options, host, async (parsed, context, cancellation) =>
        {
            var onlyItem = PointOptions.CheckItem(parsed.GetValue(item));
            using var session = await reading.OpenAsync(parsed, context, cancellation);
            return await RunAsync(context, session, onlyItem, parsed.GetValue(all), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, ReadingSession session, string? item, bool all, CancellationToken cancellation)
    {
        var count = 0;
        var batch = new List<RecoveryPointDocument>();
        await foreach (var point in session.Ingest.ListPointsAsync(session.MachineId, item, cancellation))
        {
            if (!all && point.State != RecoveryPointState.Sealed)
            {
                continue;
            }

            if (count++ == 0 && !context.Report.Json)
            {
                context.Host.Output.WriteLine($"{"ID",-36}  {"ITEM",-12}  {"CREATED",-19}  {"SIZE",10}  {"STATE",-7}  TAGS");
            }

            batch.Add(point);
            if (batch.Count == Together)
            {
                await TellAsync(context, session, batch, cancellation);
                batch.Clear();
            }
        }

        await TellAsync(context, session, batch, cancellation);
        context.Report.Result(
            "summary", writer => writer.WriteNumber("points", count), Humane.Count(count, "recovery point", "recovery points"));
        return ExitCodes.Done;
    }

    private static async Task TellAsync(
        CommandContext context, ReadingSession session, List<RecoveryPointDocument> points, CancellationToken cancellation)
    {
        var sizes = await Task.WhenAll(points.Select(point => SizeAsync(session, point, cancellation)));
        foreach (var (point, size) in points.Zip(sizes))
        {
            Tell(context.Report, session.MachineName, point, size);
        }
    }

    /// <summary>The size is in the manifest, for the platform does not know it; an expired point's cannot be read.</summary>
    private static async Task<long?> SizeAsync(ReadingSession session, RecoveryPointDocument point, CancellationToken cancellation)
    {
        if (point.State != RecoveryPointState.Sealed)
        {
            return null;
        }

        var sealedManifest = await session.Ingest.GetManifestAsync(point.Id, cancellation);
        return Manifest.Open(session.Keys, point.Item, point.Sequence, sealedManifest).BytesTotal;
    }

    private static void Tell(Report report, string machine, RecoveryPointDocument point, long? size) => report.Result(
        "point",
        writer =>
        {
            writer.WriteString("id", point.Id);
            writer.WriteString("item", point.Item);
            writer.WriteString("createdAt", point.CreatedAt);
            writer.WriteString("machine", machine);
            writer.WriteNumber("sequence", point.Sequence);
            if (size is { } bytes)
            {
                writer.WriteNumber("bytesTotal", bytes);
            }
            else
            {
                writer.WriteNull("bytesTotal");
            }

            writer.WriteStartArray("tags");
            foreach (var tag in point.Tags)
            {
                writer.WriteStringValue(tag);
            }

            writer.WriteEndArray();
            if (point.ExpiresAt is { } expiry)
            {
                writer.WriteString("expiresAt", expiry);
            }
            else
            {
                writer.WriteNull("expiresAt");
            }

            writer.WriteString("state", point.State.ToString());
        },
        string.Create(
            CultureInfo.InvariantCulture,
            $"{point.Id,-36}  {point.Item,-12}  {Humane.Time(point.CreatedAt),-19}  {(size is { } known ? Humane.Bytes(known) : "-"),10}  {point.State,-7}  {string.Join(",", point.Tags)}"));
}
