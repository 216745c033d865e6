using Aspire.Hosting.ApplicationModel;
using BackupPlatform.LocalHosting;

namespace Aspire.Hosting;

/// <summary>Says where a service's project is. Implemented by the types in namespace <c>Projects</c>.</summary>
public interface IProjectMetadata
{
    /// <summary>The full path of the project file.</summary>
    string ProjectPath { get; }
}

/// <summary>Collects the parts of the system.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>The system as described so far.</summary>
    DistributedApplication Build();

    internal IList<IResource> Resources { get; }
}

/// <summary>The system, ready to run as processes of this machine.</summary>
/// <remarks>
/// Offers the part of Aspire's API that AppHost.cs calls, under the same names, for machines without a container engine.
/// </remarks>
public sealed class DistributedApplication
{
    private readonly IReadOnlyList<IResource> _resources;
    private readonly string[] _args;

    private DistributedApplication(IReadOnlyList<IResource> resources, string[] args) => (_resources, _args) = (resources, args);

    /// <summary>Begins the description of a system.</summary>
    /// <param name="args">The command line; see <see cref="HostOptions" />.</param>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new Builder(args);

    /// <summary>Starts everything, stays until told to stop, stops everything. Sets the process's exit code.</summary>
    public void Run() => Environment.ExitCode = LocalPlatform.RunAsync(_resources, _args).GetAwaiter().GetResult();

    private sealed class Builder(string[] args) : IDistributedApplicationBuilder
    {
        private readonly List<IResource> _resources = [];

        IList<IResource> IDistributedApplicationBuilder.Resources => _resources;

        public DistributedApplication Build() => new(_resources, args);
    }
}
