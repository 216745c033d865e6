using BackupPlatform.LocalHosting;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A part of the system.</summary>
public interface IResource
{
    /// <summary>Its name, unique in the system.</summary>
    string Name { get; }
}

/// <summary>A resource that others reach by a connection string, injected as <c>ConnectionStrings__name</c>.</summary>
public interface IResourceWithConnectionString : IResource
{
    /// <summary>The connection string in this run.</summary>
    internal string ConnectionString(RunContext run);
}

/// <summary>What the composition holds while it describes a resource.</summary>
public interface IResourceBuilder<out T> where T : IResource
{
    /// <summary>The system that the resource belongs to.</summary>
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    /// <summary>The resource.</summary>
    T Resource { get; }
}

/// <summary>A resource with a name.</summary>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc />
    public string Name { get; } = name;
}

/// <summary>A value that is given (<c>Parameters__name</c> in the environment) or generated once and kept.</summary>
public sealed class ParameterResource(string name, ParameterDefault value) : Resource(name)
{
    internal ParameterDefault Default { get; } = value;
}

/// <summary>A PostgreSQL server.</summary>
public sealed class PostgresServerResource(string name) : Resource(name)
{
    internal List<PostgresDatabaseResource> Databases { get; } = [];
}

/// <summary>A database of a PostgreSQL server; created when the server is ready.</summary>
public sealed class PostgresDatabaseResource(string name, PostgresServerResource parent) : Resource(name), IResourceWithConnectionString
{
    internal PostgresServerResource Parent { get; } = parent;

    string IResourceWithConnectionString.ConnectionString(RunContext run) => PostgresUnit.ConnectionString(Parent.Name, Name, run);
}

/// <summary>A RabbitMQ server.</summary>
public sealed class RabbitMQServerResource(string name) : Resource(name), IResourceWithConnectionString
{
    string IResourceWithConnectionString.ConnectionString(RunContext run) => RabbitUnit.Uri(Name, run);
}

/// <summary>A service of this repository.</summary>
public sealed class ProjectResource(string name, IProjectMetadata metadata) : Resource(name)
{
    internal IProjectMetadata Metadata { get; } = metadata;

    internal List<KeyValuePair<string, Func<RunContext, string>>> Environment { get; } = [];

    internal List<IResource> WaitsFor { get; } = [];

    internal bool HasHttpEndpoint { get; set; }

    internal string HealthPath { get; set; } = "/health";
}

/// <summary>The address of a service.</summary>
public sealed class EndpointReference(ProjectResource resource, string endpointName)
{
    /// <summary>The service.</summary>
    public ProjectResource Resource { get; } = resource;

    /// <summary>The endpoint's name; here always <c>http</c>.</summary>
    public string EndpointName { get; } = endpointName;
}

/// <summary>How a parameter gets a value when none is given.</summary>
public abstract class ParameterDefault
{
    /// <summary>A new value.</summary>
    public abstract string GetDefaultValue();
}

/// <summary>A random value of letters and digits, and of <c>-_.</c> where <see cref="Special" /> allows.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    private const string LettersAndDigits = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789";

    /// <summary>The least number of characters; never less than 22, which is 128 bits.</summary>
    public int MinLength { get; set; }

    /// <summary>Whether the value may hold characters other than letters and digits.</summary>
    public bool Special { get; set; } = true;

    /// <inheritdoc />
    public override string GetDefaultValue() =>
        System.Security.Cryptography.RandomNumberGenerator.GetString(
            Special ? LettersAndDigits + "-_." : LettersAndDigits, Math.Max(MinLength, 22));
}
