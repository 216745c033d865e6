using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace BackupPlatform.Portal.Proxy;

/// <summary>Finds the addresses behind a service's name, such as <c>http://vault</c>: one destination a replica.</summary>
internal sealed class ServiceDestinations(ServiceEndpointResolver resolver) : IDestinationResolver
{
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var resolved = new Dictionary<string, DestinationConfig>();
        var changes = new List<IChangeToken>();
        foreach (var (name, destination) in destinations)
        {
            var replicas = await resolver.GetEndpointsAsync(destination.Address, cancellationToken);
            changes.Add(replicas.ChangeToken);
            foreach (var replica in replicas.Endpoints)
            {
                resolved[$"{name} {replica}"] = destination with { Address = Address(destination.Address, replica.ToString()!) };
            }
        }

        return new ResolvedDestinationCollection(resolved, new CompositeChangeToken(changes));
    }

    private static string Address(string named, string found) =>
        found.Contains("://", StringComparison.Ordinal) ? found : $"{new Uri(named).Scheme}://{found}";
}
