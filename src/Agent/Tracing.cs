using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace BackupPlatform.Agent;

/// <summary>
/// One span a command, from which every request to the platform carries on the trace (W3C traceparent, which HttpClient
/// adds by itself). Exported only where OTEL_EXPORTER_OTLP_ENDPOINT says where to.
/// </summary>
internal static class Tracing
{
    private static readonly ActivitySource s_source = new("BackupPlatform.Agent", AgentVersion.Text);

    /// <summary>Starts exporting where asked to; what it returns flushes when it is disposed. Null where not.</summary>
    public static IDisposable? Export(Func<string, string?> environment) =>
        string.IsNullOrEmpty(environment("OTEL_EXPORTER_OTLP_ENDPOINT"))
            ? null
            : Sdk.CreateTracerProviderBuilder()
                .AddSource(s_source.Name)
                .ConfigureResource(resource => resource.AddService("backup-agent", serviceVersion: AgentVersion.Text))
                .AddOtlpExporter()
                .Build();

    /// <summary>Begins the span of a command; also where nobody listens, so that requests can be told apart in the services' traces.</summary>
    public static Activity Begin(string command) =>
        s_source.StartActivity(command, ActivityKind.Client) ?? new Activity(command).Start();
}
