using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;

namespace Aspire.Hosting;

/// <summary>What AppHost.cs calls to add parts of the system.</summary>
public static class BuilderExtensions
{
    /// <summary>Adds a parameter.</summary>
    /// <param name="builder">The system.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="value">How it gets a value when none is given.</param>
    /// <param name="secret">Whether it is a secret; here every parameter is kept like one.</param>
    /// <param name="persist">Whether it is kept; here every generated parameter is.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false) =>
        builder.Add(new ParameterResource(name, value));

    /// <summary>Adds a PostgreSQL server.</summary>
    public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder, string name) =>
        builder.Add(new PostgresServerResource(name));

    /// <summary>Keeps the server's data across restarts, which the data directory always does.</summary>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder) => builder;

    /// <summary>Adds a database to the server.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(this IResourceBuilder<PostgresServerResource> builder, string name)
    {
        var database = new PostgresDatabaseResource(name, builder.Resource);
        builder.Resource.Databases.Add(database);
        return builder.ApplicationBuilder.Add(database);
    }

    /// <summary>Adds a RabbitMQ server.</summary>
    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(this IDistributedApplicationBuilder builder, string name) =>
        builder.Add(new RabbitMQServerResource(name));

    /// <summary>Keeps the server's data across restarts, which the data directory always does.</summary>
    public static IResourceBuilder<RabbitMQServerResource> WithDataVolume(this IResourceBuilder<RabbitMQServerResource> builder) => builder;

    /// <summary>Adds object storage.</summary>
    public static IResourceBuilder<AzureStorageResource> AddAzureStorage(this IDistributedApplicationBuilder builder, string name) =>
        builder.Add(new AzureStorageResource(name));

    /// <summary>Keeps the storage on this machine, which is the only place here.</summary>
    public static IResourceBuilder<AzureStorageResource> RunAsEmulator(
        this IResourceBuilder<AzureStorageResource> builder, Action<IResourceBuilder<AzureStorageEmulatorResource>>? configureContainer = null)
    {
        configureContainer?.Invoke(
            new ResourceBuilder<AzureStorageEmulatorResource>(builder.ApplicationBuilder, new AzureStorageEmulatorResource(builder.Resource.Name)));
        return builder;
    }

    /// <summary>Keeps the storage's data across restarts, which the data directory always does.</summary>
    public static IResourceBuilder<AzureStorageEmulatorResource> WithDataVolume(this IResourceBuilder<AzureStorageEmulatorResource> builder) =>
        builder;

    /// <summary>Adds the blobs of a storage.</summary>
    public static IResourceBuilder<AzureBlobStorageResource> AddBlobs(this IResourceBuilder<AzureStorageResource> builder, string name) =>
        builder.ApplicationBuilder.Add(new AzureBlobStorageResource(name));

    /// <summary>Adds a service.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => builder.Add(new ProjectResource(name, new TProject()));

    private static ResourceBuilder<T> Add<T>(this IDistributedApplicationBuilder builder, T resource) where T : IResource
    {
        if (builder.Resources.Any(existing => string.Equals(existing.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new InvalidOperationException($"A resource named '{resource.Name}' exists already.");
        builder.Resources.Add(resource);
        return new ResourceBuilder<T>(builder, resource);
    }

    private sealed class ResourceBuilder<T>(IDistributedApplicationBuilder application, T resource) : IResourceBuilder<T> where T : IResource
    {
        public IDistributedApplicationBuilder ApplicationBuilder => application;

        public T Resource => resource;
    }
}
