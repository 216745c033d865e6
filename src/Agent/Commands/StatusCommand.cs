using System.CommandLine;
using System.Text;
using System.Text.Json;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>status</c>: what this machine is, and whether the platform is there.</summary>
internal static class StatusCommand
{
    private static readonly RetryPolicy s_once = new(TimeSpan.Zero);

    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var command = new Command(
            "status",
            """
            Tells whether this machine is registered and with which vault, whether the platform can be reached, and what the newest
            recovery points are.

            Examples:
              backup-agent status
              backup-agent status --json
            """);
        command.Run(options, host, (_, context, cancellation) => RunAsync(context, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, CancellationToken cancellation)
    {
        if (context.Home.Machine is not { } machine)
        {
            context.Report.Result(
                "summary",
                writer =>
                {
                    writer.WriteBoolean("registered", false);
                    writer.WriteString("home", context.Home.Path);
                    writer.WriteString("version", AgentVersion.Text);
                },
                $"Not registered (home {context.Home.Path}). Register with 'backup-agent register --credentials FILE'.\nVersion {AgentVersion.Text}");
            return ExitCodes.Done;
        }

        var endpoints = await ProbeAsync(context.Home.Endpoints ?? new AgentEndpoints([], [], []), cancellation);
        var (points, failure) = await NewestAsync(context, cancellation);
        Tell(context, machine, endpoints, points, failure);
        return failure?.ExitStatus ?? ExitCodes.Done;
    }

    private static async Task<List<Endpoint>> ProbeAsync(AgentEndpoints endpoints, CancellationToken cancellation)
    {
        var all = endpoints.Registration.Select(uri => (Service.Registration, uri))
            .Concat(endpoints.Ingest.Select(uri => (Service.Ingest, uri)))
            .Concat(endpoints.Restore.Select(uri => (Service.Restore, uri)));
        return [.. await Task.WhenAll(all.Select(one => ProbeAsync(one.Item1, one.uri, cancellation)))];
    }

    private static async Task<Endpoint> ProbeAsync(Service service, Uri address, CancellationToken cancellation)
    {
        using var client = new PlatformClient(new Endpoints(new AgentEndpoints([address], [address], [address])), s_once);
        try
        {
            var request = new PlatformRequest(service, HttpMethod.Get, "alive") { Anonymous = true, Timeout = TimeSpan.FromSeconds(3) };
            return new Endpoint(service, address, await client.SendAsync(request, (_, _) => Task.FromResult(true), cancellation));
        }
        catch (AgentException)
        {
            return new Endpoint(service, address, false);
        }
    }

    private static async Task<(List<RecoveryPointDocument> Points, AgentException? Failure)> NewestAsync(
        CommandContext context, CancellationToken cancellation)
    {
        using var session = MachineSession.Open(context, s_once);
        var points = new List<RecoveryPointDocument>();
        try
        {
            await foreach (var point in session.Ingest.ListPointsAsync(session.MachineId, null, cancellation))
            {
                if (point.State == RecoveryPointState.Sealed && !points.Exists(known => known.Item == point.Item))
                {
                    points.Add(point);
                }
            }

            return (points, null);
        }
        catch (AgentException e)
        {
            return (points, e);
        }
    }

    private static void Tell(
        CommandContext context, Machine machine, List<Endpoint> endpoints, List<RecoveryPointDocument> points, AgentException? failure) =>
        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteBoolean("registered", true);
                writer.WriteString("machineId", machine.Id);
                writer.WriteString("name", machine.Name);
                writer.WriteString("vaultId", machine.VaultId);
                writer.WriteString("vault", machine.VaultName);
                writer.WriteString("registeredAt", machine.RegisteredAt);
                writer.WriteString("home", context.Home.Path);
                writer.WriteString("version", AgentVersion.Text);
                Write(writer, endpoints);
                Write(writer, points);
                if (failure is not null)
                {
                    writer.WriteString("code", failure.Code);
                    writer.WriteString("message", failure.Message);
                }
            },
            Text(context, machine, endpoints, points, failure));

    private static void Write(Utf8JsonWriter writer, List<Endpoint> endpoints)
    {
        writer.WriteStartArray("endpoints");
        foreach (var endpoint in endpoints)
        {
            writer.WriteStartObject();
            writer.WriteString("service", Endpoints.Name(endpoint.Service));
            writer.WriteString("url", endpoint.Address.ToString());
            writer.WriteBoolean("reachable", endpoint.Reachable);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, List<RecoveryPointDocument> points)
    {
        writer.WriteStartArray("newestPoints");
        foreach (var point in points)
        {
            writer.WriteStartObject();
            writer.WriteString("item", point.Item);
            writer.WriteString("id", point.Id);
            writer.WriteString("createdAt", point.CreatedAt);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Text(
        CommandContext context, Machine machine, List<Endpoint> endpoints, List<RecoveryPointDocument> points, AgentException? failure)
    {
        var text = new StringBuilder();
        text.Append($"Registered as '{machine.Name}' ({machine.Id}) with the vault '{machine.VaultName}', home {context.Home.Path}\n");
        foreach (var endpoint in endpoints)
        {
            text.Append($"{Endpoints.Name(endpoint.Service),-12} {endpoint.Address} {(endpoint.Reachable ? "reachable" : "NOT REACHABLE")}\n");
        }

        foreach (var point in points)
        {
            text.Append($"Newest recovery point of item '{point.Item}': {point.Id}, {Humane.Time(point.CreatedAt)}\n");
        }

        if (failure is not null)
        {
            text.Append(failure.Message).Append('\n');
        }
        else if (points.Count == 0)
        {
            text.Append("No recovery points yet.\n");
        }

        return text.Append($"Version {AgentVersion.Text}").ToString();
    }

    private readonly record struct Endpoint(Service Service, Uri Address, bool Reachable);
}
