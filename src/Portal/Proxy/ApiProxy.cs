using BackupPlatform.Contracts;
using BackupPlatform.ServiceDefaults;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace BackupPlatform.Portal.Proxy;

/// <summary>The one address that leads to every service's API.</summary>
internal static class ApiProxy
{
    public static void AddApiProxy(this IServiceCollection services)
    {
        services.AddReverseProxy().LoadFromMemory(
            [
                .. ApiRoutes.All.Select(route => new RouteConfig
                {
                    RouteId = route.Path,
                    ClusterId = route.Owner,
                    Match = new RouteMatch { Path = route.Path },
                }),
                .. ApiRoutes.Exceptions.Select(route => new RouteConfig
                {
                    RouteId = $"{route.Method} {route.Path}",
                    ClusterId = route.Owner,
                    // Before the path's owner, who takes every method.
                    Order = -1,
                    Match = new RouteMatch { Path = route.Path, Methods = [route.Method] },
                }),
            ],
            [.. ApiRoutes.All.Select(route => route.Owner).Concat(ApiRoutes.Exceptions.Select(route => route.Owner)).Distinct().Select(owner => new ClusterConfig
            {
                ClusterId = owner,
                Destinations = new Dictionary<string, DestinationConfig> { [owner] = new() { Address = $"http://{owner}" } },
            })]);
        services.AddSingleton<IDestinationResolver, ServiceDestinations>();
    }

    public static void MapApiProxy(this WebApplication app)
    {
        app.MapReverseProxy(proxy => proxy.Use(AnswerForSilentOwnersAsync));
        foreach (var (path, owner) in ApiRoutes.DataPlane)
        {
            var notHere = new Refusal(
                ProblemCodes.NotFound,
                $"Backed up data does not pass through the portal: agents talk to {owner} directly, at the addresses they are given with their token.");
            app.Map(path, () => notHere.ToResult()).ExcludeFromDescription();
        }
    }

    private static async Task AnswerForSilentOwnersAsync(HttpContext http, RequestDelegate next)
    {
        await next(http);
        if (http.Features.Get<IForwarderErrorFeature>() is not null && !http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            http.Response.Clear();
            var owner = http.GetReverseProxyFeature().Cluster.Config.ClusterId;
            await Refusal.Unavailable($"The {owner} service does not answer; try again in a moment.").ToResult().ExecuteAsync(http);
        }
    }
}
