using System.Collections.Concurrent;
using BackupPlatform.Testing.Services;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace BackupPlatform.Platform.Tests;

/// <summary>Fails as often as a test says, then consumes.</summary>
public sealed class ShakyConsumer : IConsumer<NumberCounted>
{
    public static ConcurrentDictionary<Guid, Queue<Exception>> Failures { get; } = [];

    public static ConcurrentDictionary<Guid, int> Attempts { get; } = [];

    public Task Consume(ConsumeContext<NumberCounted> context)
    {
        var id = context.Message.StreamId;
        Attempts.AddOrUpdate(id, 1, (_, attempts) => attempts + 1);
        return Failures.TryGetValue(id, out var failures) && failures.TryDequeue(out var failure) ? throw failure : Task.CompletedTask;
    }
}

public sealed class ConsumerTests(Servers servers)
{
    private readonly Guid id = Guid.CreateVersion7();

    [Fact]
    public async Task GivenAnOutage_WhenItLastsLongerThanAnyOtherFaultIsRetried_ThenTheMessageIsConsumedAfterIt()
    {
        ShakyConsumer.Failures[id] = new(Enumerable.Repeat(new TimeoutException("The database does not answer."), 8));

        await ConsumeAsync(attempts: 9);
    }

    [Fact]
    public async Task GivenAFaultThatPasses_WhenRetried_ThenTheMessageIsConsumed()
    {
        ShakyConsumer.Failures[id] = new([new InvalidOperationException("Not now."), new InvalidOperationException("Not yet.")]);

        await ConsumeAsync(attempts: 3);
    }

    private async Task ConsumeAsync(int attempts)
    {
        await using var service = await CounterService.StartAsync(
            $"shaky-{Guid.NewGuid():N}", servers.NewDatabase("shaky"), servers.Rabbit.Uri, bus => bus.AddConsumer<ShakyConsumer>());
        await service.CountAsync(id);

        await Eventually.GetAsync(() => Task.FromResult(ShakyConsumer.Attempts.GetValueOrDefault(id)), count => count == attempts);
    }
}
