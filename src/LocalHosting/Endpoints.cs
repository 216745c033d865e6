using Aspire.Hosting.ApplicationModel;

namespace BackupPlatform.LocalHosting;

/// <summary>Writes endpoints.json: where a running platform is reached, for people, scripts and tests.</summary>
internal static class Endpoints
{
    public static void Write(IReadOnlyList<IResource> resources, RunContext run)
    {
        var document = new Dictionary<string, object>();
        foreach (var project in resources.OfType<ProjectResource>().OrderBy(project => project.Name == "portal" ? 0 : 1))
            document[project.Name] = run.UrlOf(project.Name);
        foreach (var parameter in resources.OfType<ParameterResource>().Where(parameter => parameter.Name == "operator-token"))
            document["operatorToken"] = run.Parameter(parameter);
        if (AgentOf(resources) is { } agent) document["agent"] = agent;
        foreach (var postgres in resources.OfType<PostgresServerResource>()) document["postgres"] = PostgresUnit.Uri(postgres.Name, run);
        foreach (var rabbit in resources.OfType<RabbitMQServerResource>()) document["rabbitmq"] = RabbitUnit.Uri(rabbit.Name, run);
        document["storage"] = new[] { run.Data.PrimaryStore };
        DataDirectory.WriteJson(run.Data.EndpointsFile, document);
    }

    /// <summary>The agent built beside the services, in src/Agent.</summary>
    private static string? AgentOf(IReadOnlyList<IResource> resources) =>
        resources.OfType<ProjectResource>().FirstOrDefault() is { } service
            ? ProjectUnit.BuiltProgram(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(service.Metadata.ProjectPath)!, "..", "Agent")), "backup-agent")
            : null;
}
