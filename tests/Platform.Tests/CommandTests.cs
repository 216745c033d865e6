using BackupPlatform.Contracts;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Testing;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Platform.Tests;

/// <summary>One counting service for several tests.</summary>
public sealed class CounterHost(Servers servers) : IAsyncLifetime
{
    internal CounterService Service { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Service = await CounterService.StartAsync(
        $"counter-{Guid.NewGuid():N}", servers.NewDatabase("counter"), servers.Rabbit.Uri);

    public ValueTask DisposeAsync() => Service.DisposeAsync();
}

public sealed class CommandTests(CounterHost host) : IClassFixture<CounterHost>
{
    private readonly Guid id = Guid.CreateVersion7();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenFiftyCommandsAtOnceOnANewStream_WhenTheyRace_ThenEachIsDecidedOnTheStateItChanges()
    {
        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.Service.CountAsync(id)));

        Assert.Equal(50, (await host.Service.LoadAsync<Counter>(id))!.Count);
        Assert.Equal(Enumerable.Range(1, 50), decisions.Select(decision => ((Counted)decision.Events[0]).Number).Order());
    }

    [Fact]
    public async Task GivenARefusal_WhenDecided_ThenNothingIsCommitted()
    {
        var decision = await host.Service.Store.DecideAsync<Counter>(id, _ => new Refusal(ProblemCodes.Conflict, "No."), Cancellation);

        Assert.Equal(ProblemCodes.Conflict, decision.Refusal?.Code);
        Assert.Null(await host.Service.LoadAsync<Counter>(id));
    }

    [Fact]
    public async Task GivenACommandOnTwoStreams_WhenOneRefuses_ThenNeitherChanges()
    {
        var other = Guid.CreateVersion7();
        await host.Service.Store.CommitAsync(
            async session =>
            {
                await session.DecideAsync<Counter>(other, state => Counter.CountOn(state, other), Cancellation);
                return await session.DecideAsync<Counter>(id, _ => new Refusal(ProblemCodes.Conflict, "No."), Cancellation);
            },
            Cancellation);

        Assert.Null(await host.Service.LoadAsync<Counter>(other));
    }

    [Fact]
    public async Task GivenFactsTwiceAndInAnyOrder_WhenTheyRace_ThenTheReadModelHasTheHighestVersion()
    {
        var seed = Seed.New(TestContext.Current.TestOutputHelper!.WriteLine);
        var facts = Enumerable.Range(1, 20).SelectMany(version => new[] { Fact(version), Fact(version) }).ToArray();
        seed.Random.Shuffle(facts);

        await Task.WhenAll(facts.Select(fact =>
            host.Service.Store.ApplyAsync<KnownCounter, NumberCounted>(fact, KnownCounter.Apply, Cancellation)));

        Assert.Equal(new KnownCounter(id, 20, 20), await host.Service.LoadAsync<KnownCounter>(id));
    }

    [Fact]
    public async Task GivenALaterFactWasApplied_WhenAnEarlierComes_ThenItChangesNothing()
    {
        foreach (var version in new[] { 3, 2, 3, 1 })
        {
            await host.Service.Store.ApplyAsync<KnownCounter, NumberCounted>(Fact(version), KnownCounter.Apply, Cancellation);
        }

        Assert.Equal(3, (await host.Service.LoadAsync<KnownCounter>(id))!.Version);
    }

    private NumberCounted Fact(int version) => new(id, version, DateTimeOffset.UnixEpoch, version);
}
