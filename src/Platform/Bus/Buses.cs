using System.Data.Common;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace BackupPlatform.Platform.Bus;

/// <summary>Wires a service to the message bus.</summary>
public static class Buses
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    /// <param name="service">Prefix of the service's queues, so that each service hears every message once.</param>
    /// <param name="consumers">Adds the service's consumers; null where it only speaks.</param>
    public static void AddBus(
        this IHostApplicationBuilder builder, string service, Action<IBusRegistrationConfigurator>? consumers = null)
    {
        var address = builder.Configuration.GetConnectionString("bus")
            ?? throw new InvalidOperationException("ConnectionStrings:bus is not set; the application host gives it.");
        builder.Services.AddMassTransit(bus =>
        {
            // Nothing is reported to anybody outside.
            bus.DisableUsageTelemetry();
            bus.SetEndpointNameFormatter(new KebabCaseEndpointNameFormatter(service, includeNamespace: false));
            consumers?.Invoke(bus);
            bus.UsingRabbitMq((context, rabbit) =>
            {
                // A connection that died without a word is noticed within two heartbeats.
                rabbit.Host(new Uri(address), host => host.Heartbeat(Heartbeat));
                rabbit.UseMessageRetry(retry =>
                {
                    // An outage is no fault of the message: it waits, and never lands in the error queue.
                    retry.Handle<Exception>(IsOutage);
                    // Not Interval, which would set aside an array as long as the number of retries.
                    retry.Exponential(int.MaxValue, FirstRetry, LastRetry, FirstRetry);
                });
                rabbit.UseMessageRetry(retry =>
                {
                    retry.Ignore<Exception>(IsOutage);
                    retry.Intervals(100, 500, 2000);
                });
                rabbit.ConfigureEndpoints(context);
            });
        });
    }

    private static bool IsOutage(Exception e) => e
        is DbException { IsTransient: true } or TimeoutException or IOException or HttpRequestException
        // A service that is being stopped has let go of its parts: the next one takes the message.
        or ObjectDisposedException or OperationCanceledException
        || (e.InnerException is { } inner && IsOutage(inner));
}
