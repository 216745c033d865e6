using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;

namespace BackupPlatform.LocalHosting;

/// <summary>Runs a described system as processes of this machine, from start to stop.</summary>
internal static class LocalPlatform
{
    /// <summary>Starts everything, stays until SIGINT, SIGTERM or SIGHUP, stops everything.</summary>
    /// <returns>The exit code: 0 stopped as asked, 1 could not start (said on standard error), 2 wrong usage.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<IResource> resources, string[] args)
    {
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            var options = HostOptions.Parse(args, Environment.GetEnvironmentVariable("BACKUP_PLATFORM_DATA"), HostOptions.FindCheckout());
            await RunAsync(resources, options, stop.Token);
            return 0;
        }
        catch (HostingException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return e.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"the platform cannot start: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
    }

    private static async Task RunAsync(IReadOnlyList<IResource> resources, HostOptions options, CancellationToken stop)
    {
        var units = UnitsOf(resources);
        using var data = await DataDirectory.OpenAsync(options.DataDirectory);
        var console = new PlatformConsole(options.Quiet, data.LogOf("platform"));
        var run = new RunContext(data, await Ports.TakeAsync(data, [.. units.SelectMany(unit => unit.PortNames)]), console);
        var begun = TimeProvider.System.GetTimestamp();
        console.Say($"starting on {data.Path}");

        using var guard = Guard.Start(run.Mark);
        var supervisors = units.ConvertAll(unit => new Supervisor(unit, run));
        try
        {
            foreach (var supervisor in supervisors) supervisor.Start(DependenciesOf(supervisor, supervisors));
            await AllHealthyAsync(supervisors, stop);
            Endpoints.Write(resources, run);
            console.Say($"all healthy after {TimeProvider.System.GetElapsedTime(begun).TotalSeconds:0.0} s; addresses are in {data.EndpointsFile}");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            File.Delete(data.EndpointsFile);
        }
        finally
        {
            console.Say("stopping");
            await StopAsync(supervisors);
            await guard.CloseAsync();
            console.Say("stopped");
        }
    }

    private static List<Unit> UnitsOf(IReadOnlyList<IResource> resources) =>
    [
        .. resources.SelectMany(resource => resource switch
        {
            PostgresServerResource postgres => [new PostgresUnit(postgres)],
            RabbitMQServerResource rabbit => [new EpmdUnit(rabbit.Name), new RabbitUnit(rabbit)],
            ProjectResource project => [new ProjectUnit(project)],
            _ => Array.Empty<Unit>(), // databases, parameters, folders: no process of their own
        }),
    ];

    /// <summary>Ends when those are healthy that a part waits for. What has no process is there already.</summary>
    private static Task DependenciesOf(Supervisor supervisor, List<Supervisor> all) =>
        Task.WhenAll(all.Where(other => supervisor.Unit.DependsOn.Contains(other.Unit.Name)).Select(other => other.Healthy));

    /// <summary>Ends when all are healthy, or with the first failure.</summary>
    private static async Task AllHealthyAsync(List<Supervisor> supervisors, CancellationToken stop)
    {
        await foreach (var healthy in Task.WhenEach(supervisors.Select(supervisor => supervisor.Healthy)).WithCancellation(stop))
            await healthy;
    }

    /// <summary>Stops each part when those that depend on it have stopped.</summary>
    private static async Task StopAsync(List<Supervisor> supervisors)
    {
        var left = supervisors.ToList();
        while (left.Count > 0)
        {
            var free = left.FindAll(one => !left.Exists(other => other.Unit.DependsOn.Contains(one.Unit.Name)));
            await Task.WhenAll(free.Select(one => one.StopAsync()));
            foreach (var one in free)
            {
                one.Dispose();
                left.Remove(one);
            }
        }
    }
}
