using Aspire.Hosting.ApplicationModel;
using BackupPlatform.LocalHosting;

namespace Aspire.Hosting;

/// <summary>What AppHost.cs calls to describe a service.</summary>
public static class ProjectExtensions
{
    /// <summary>Tells the service a connection string, as <c>ConnectionStrings__name</c>.</summary>
    public static IResourceBuilder<ProjectResource> WithReference(
        this IResourceBuilder<ProjectResource> builder, IResourceBuilder<IResourceWithConnectionString> source) =>
        builder.Set($"ConnectionStrings__{source.Resource.Name}", source.Resource.ConnectionString);

    /// <summary>Tells the service another's address, as <c>services__name__http__0</c>.</summary>
    public static IResourceBuilder<ProjectResource> WithReference(
        this IResourceBuilder<ProjectResource> builder, IResourceBuilder<ProjectResource> source) =>
        builder.Set($"services__{source.Resource.Name}__http__0", run => run.UrlOf(source.Resource.Name));

    /// <summary>Starts the service only when the other is ready.</summary>
    public static IResourceBuilder<ProjectResource> WaitFor(this IResourceBuilder<ProjectResource> builder, IResourceBuilder<IResource> dependency)
    {
        builder.Resource.WaitsFor.Add(dependency.Resource);
        return builder;
    }

    /// <summary>Gives the service an address of its own, on the loopback interface.</summary>
    public static IResourceBuilder<ProjectResource> WithHttpEndpoint(this IResourceBuilder<ProjectResource> builder)
    {
        builder.Resource.HasHttpEndpoint = true;
        return builder;
    }

    /// <summary>Says where the service tells whether it is healthy.</summary>
    public static IResourceBuilder<ProjectResource> WithHttpHealthCheck(this IResourceBuilder<ProjectResource> builder, string path)
    {
        builder.Resource.HealthPath = path;
        return builder;
    }

    /// <summary>Marks the service as the one that people reach. Here nothing listens beyond the loopback interface.</summary>
    public static IResourceBuilder<ProjectResource> WithExternalHttpEndpoints(this IResourceBuilder<ProjectResource> builder) => builder;

    /// <summary>Tells the service a parameter.</summary>
    public static IResourceBuilder<ProjectResource> WithEnvironment(
        this IResourceBuilder<ProjectResource> builder, string name, IResourceBuilder<ParameterResource> parameter) =>
        builder.Set(name, run => run.Parameter(parameter.Resource));

    /// <summary>Tells the service an address.</summary>
    public static IResourceBuilder<ProjectResource> WithEnvironment(
        this IResourceBuilder<ProjectResource> builder, string name, EndpointReference endpointReference) =>
        builder.Set(name, run => run.UrlOf(endpointReference.Resource.Name));

    /// <summary>The service's address.</summary>
    public static EndpointReference GetEndpoint(this IResourceBuilder<ProjectResource> builder, string name) => new(builder.Resource, name);

    private static IResourceBuilder<ProjectResource> Set(
        this IResourceBuilder<ProjectResource> builder, string name, Func<RunContext, string> value)
    {
        builder.Resource.Environment.Add(new(name, value));
        return builder;
    }
}
