using System.Diagnostics;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Tests;
using BackupPlatform.Testing.Services;
using MassTransit;
using Npgsql;

[assembly: AssemblyFixture(typeof(Servers))]

namespace BackupPlatform.Platform.Tests;

public sealed class RelayTests(Servers servers)
{
    private readonly Guid counter = Guid.CreateVersion7();
    private readonly string name = $"relay-{Guid.NewGuid():N}";

    [Fact]
    public async Task GivenEvents_WhenCommitted_ThenEachIsPublishedInOrderUnderAnIdOfItsOwn()
    {
        await using var ear = await ListenAsync();
        await using var service = await CounterService.StartAsync(name, servers.NewDatabase("relay"), servers.Rabbit.Uri);
        await CountAsync(service, 30);

        await ear.WaitAsync(_ => Heard(ear).Count() >= 30);

        Assert.Equal(Enumerable.Range(1, 30), Heard(ear).Select(one => one.Number));
        Assert.Equal(Enumerable.Range(1, 30).Select(version => (long)version), Heard(ear).Select(one => one.Version));
        Assert.Equal(30, ear.Heard.Where(one => one.Message.StreamId == counter).Select(one => one.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task GivenEventsWhoseHostStopped_WhenAnotherStarts_ThenItGoesOnWhereTheFirstStood()
    {
        var database = servers.NewDatabase("relay");
        await using var ear = await ListenAsync();
        await using (var first = await CounterService.StartAsync(name, database, servers.Rabbit.Uri))
        {
            await CountAsync(first, 5);
            await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 5));
            await CountAsync(first, 5);
        }

        await using var second = await CounterService.StartAsync(name, database, servers.Rabbit.Uri);
        await CountAsync(second, 5);

        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 15));
        Assert.Equal(Enumerable.Range(1, 15), Heard(ear).Select(one => one.Number).Distinct());
    }

    [Fact]
    public async Task GivenTheBusIsAway_WhenItComesBack_ThenWhatWasCommittedMeanwhileIsPublishedInOrder()
    {
        using var line = new Line(servers.Rabbit.Port);
        await using var ear = await ListenAsync();
        await using var service = await CounterService.StartAsync(
            name, servers.NewDatabase("relay"), new UriBuilder(servers.Rabbit.Uri) { Port = line.Port }.Uri);
        await CountAsync(service, 3);
        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 3));

        line.Cut();
        await CountAsync(service, 10);
        // Long enough for the relay to fail at publishing; what matters holds whether or not it did.
        await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        line.Mend();
        await CountAsync(service, 3);

        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 16));
        Assert.Equal(Enumerable.Range(1, 16), Heard(ear).Select(one => one.Number).Distinct());
    }

    [Fact]
    public async Task GivenTwoHostsOnAnEmptyDatabase_WhenTheyStartAtOnceAndOneStops_ThenTheOtherRelaysOn()
    {
        var database = servers.NewDatabase("relay");
        await using var ear = await ListenAsync();
        var hosts = await Task.WhenAll(
            CounterService.StartAsync(name, database, servers.Rabbit.Uri), CounterService.StartAsync(name, database, servers.Rabbit.Uri));
        await CountAsync(hosts[0], 3);
        await CountAsync(hosts[1], 3);
        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 6));
        Assert.Equal(Enumerable.Range(1, 6), Heard(ear).Select(one => one.Number));

        await hosts[0].DisposeAsync();
        await CountAsync(hosts[1], 3);
        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 9));

        await using var third = await CounterService.StartAsync(name, database, servers.Rabbit.Uri);
        await hosts[1].DisposeAsync();
        await CountAsync(third, 3);
        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 12));
        Assert.Equal(Enumerable.Range(1, 12), Heard(ear).Select(one => one.Number).Distinct());
    }

    [Fact]
    public async Task GivenATransactionThatTakesLong_WhenOthersCommitMeanwhile_ThenItsEventsAreNotSkipped()
    {
        var slow = Guid.CreateVersion7();
        var database = servers.NewDatabase("relay");
        await using var ear = await ListenAsync();
        await using var service = await CounterService.StartAsync(name, database, servers.Rabbit.Uri);
        await CountAsync(service, 1);
        await ear.WaitAsync(_ => Heard(ear).Any());

        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var session = service.Store.OpenCommandSession(transaction);
        await session.DecideAsync<Counter>(slow, state => Counter.CountOn(state, slow), TestContext.Current.CancellationToken);
        await session.SaveChangesAsync(TestContext.Current.CancellationToken);
        await CountAsync(service, 3);
        // Several times as long as the relay waits at a gap before it looks whether anybody may still fill it.
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        await ear.WaitAsync(all => all.Any(one => one.Message.StreamId == slow) && Heard(ear).Any(one => one.Number == 4));
    }

    [Fact]
    public async Task GivenLostRaces_WhenTheyLeaveGapsInTheSequence_ThenAllThatCommittedIsPublished()
    {
        await using var ear = await ListenAsync();
        await using var service = await CounterService.StartAsync(name, servers.NewDatabase("relay"), servers.Rabbit.Uri);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.CountAsync(counter)));

        await ear.WaitAsync(_ => Heard(ear).Any(one => one.Number == 20));
        Assert.Equal(Enumerable.Range(1, 20), Heard(ear).Select(one => one.Number).Distinct());
    }

    [Fact]
    public async Task GivenARequestThatIsTraced_WhenItsEventReachesAnotherService_ThenItIsTheSameTrace()
    {
        await using var ear = await ListenAsync();
        await using var service = await CounterService.StartAsync(name, servers.NewDatabase("relay"), servers.Rabbit.Uri);
        using var request = new Activity("request").SetIdFormat(ActivityIdFormat.W3C).Start();
        request.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        await service.CountAsync(counter);
        request.Stop();

        await ear.WaitAsync(_ => Heard(ear).Any());

        Assert.Equal(request.TraceId.ToString(), ear.Heard.First(one => one.Message.StreamId == counter).TraceId);
    }

    private async Task CountAsync(CounterService service, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await service.CountAsync(counter);
        }
    }

    private Task<BusEar> ListenAsync() => BusEar.StartAsync(servers.Rabbit.Uri, (endpoint, ear) => ear.Hear<NumberCounted>(endpoint));

    private IEnumerable<NumberCounted> Heard(BusEar ear) =>
        ear.Heard.Select(one => one.Message).OfType<NumberCounted>().Where(one => one.StreamId == counter);
}
