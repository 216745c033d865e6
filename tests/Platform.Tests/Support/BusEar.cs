using BackupPlatform.Contracts;
using MassTransit;

namespace BackupPlatform.Testing.Services;

/// <summary>A message as it came over the bus.</summary>
public sealed record HeardMessage(IContract Message, Guid? MessageId, string? TraceId);

/// <summary>Another service, as a service sees it: publishes contracts and hears them, over the real bus.</summary>
public sealed class BusEar : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock gate = new();
    private readonly List<HeardMessage> heard = [];
    private readonly List<IBusControl> buses = [];
    private TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>All messages so far, in the order in which they came.</summary>
    public IReadOnlyList<HeardMessage> Heard
    {
        get
        {
            lock (gate)
            {
                return [.. heard];
            }
        }
    }

    /// <summary>Starts to listen.</summary>
    /// <param name="listen">Names what to hear, with <see cref="Hear{T}"/>.</param>
    public static async Task<BusEar> StartAsync(Uri rabbit, Action<IReceiveEndpointConfigurator, BusEar> listen)
    {
        var ear = new BusEar();
        var bus = MassTransit.Bus.Factory.CreateUsingRabbitMq(configure =>
        {
            configure.Host(rabbit);
            configure.ReceiveEndpoint($"ear-{Guid.NewGuid():N}", endpoint =>
            {
                endpoint.AutoDelete = true;
                endpoint.ConcurrentMessageLimit = 1;
                listen(endpoint, ear);
            });
        });
        await bus.StartAsync(TestContext.Current.CancellationToken);
        ear.buses.Add(bus);
        return ear;
    }

    public void Hear<T>(IReceiveEndpointConfigurator endpoint) where T : class, IContract => endpoint.Handler<T>(context =>
    {
        lock (gate)
        {
            heard.Add(new HeardMessage(
                context.Message, context.MessageId, System.Diagnostics.Activity.Current?.TraceId.ToString()));
            news.TrySetResult();
            news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return Task.CompletedTask;
    });

    /// <summary>Publishes as the owner of the fact would.</summary>
    public Task PublishAsync(IContract fact) => buses[0].Publish(fact, fact.GetType(), TestContext.Current.CancellationToken);

    /// <summary>Waits until everything heard so far satisfies a condition.</summary>
    public async Task WaitAsync(Func<IReadOnlyList<HeardMessage>, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        while (true)
        {
            Task more;
            IReadOnlyList<HeardMessage> now;
            lock (gate)
            {
                (more, now) = (news.Task, [.. heard]);
            }

            if (condition(now))
            {
                return;
            }

            try
            {
                await more.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"Not heard in {Patience}; heard were:\n{string.Join('\n', now.Select(one => one.Message))}");
            }
        }
    }

    /// <summary>The first message of a kind that satisfies a condition, waited for.</summary>
    public async Task<T> FirstAsync<T>(Func<T, bool> condition) where T : class, IContract
    {
        await WaitAsync(all => all.Any(one => one.Message is T message && condition(message)));
        return Heard.Select(one => one.Message).OfType<T>().First(condition);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var bus in buses)
        {
            await bus.StopAsync();
        }
    }
}
