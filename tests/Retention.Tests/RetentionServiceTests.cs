using System.Net;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Retention.Tests;
using BackupPlatform.RetentionService.Items;
using BackupPlatform.Testing.Services;
using Marten;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(Servers))]

namespace BackupPlatform.Retention.Tests;

/// <summary>The service itself, and an ear on its bus.</summary>
public sealed class RetentionHost(Servers servers) : IAsyncLifetime
{
    public ServiceHost<Program> Service { get; } = new(servers, "retentiondb");

    public BusEar Bus { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Bus = await BusEar.StartAsync(servers.Rabbit.Uri, (endpoint, ear) =>
        {
            ear.Hear<RecoveryPointTagged>(endpoint);
            ear.Hear<RecoveryPointExpired>(endpoint);
            ear.Hear<RecoveryPointDeleted>(endpoint);
            ear.Hear<RecoveryPointRestored>(endpoint);
            ear.Hear<RecoveryPointPurged>(endpoint);
        });
        Service.StartServer();
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await Bus.DisposeAsync();
    }
}

/// <summary>The tests of one service: two of its name on one bus would take one another's messages.</summary>
[CollectionDefinition(Name)]
public sealed class OneService : ICollectionFixture<RetentionHost>
{
    public const string Name = "retention";
}

[Collection(OneService.Name)]
public sealed class RetentionServiceTests(RetentionHost host)
{
    private readonly Guid itemId = Guid.CreateVersion7();

    [Fact]
    public async Task GivenPointsToldTwiceAndOutOfOrder_WhenHeard_ThenTheLastWordOnEachIsThatOfTheRightOrder()
    {
        var now = host.Service.Clock.GetUtcNow();
        var points = new[] { Point(1, now.AddDays(-2)), Point(2, now.AddDays(-1)), Point(3, now.AddDays(-1)), Point(4, now) };
        foreach (var point in new[] { points[3], points[1], points[1], points[2], points[0], points[3], points[0], points[2] })
        {
            await host.Bus.PublishAsync(point);
        }

        await Eventually.GetAsync(LoadAsync, item => item is { Points.Count: 4, Missing.Count: 0 });
        await host.Bus.WaitAsync(_ => LastWord(2) is { Tags.Count: 0 } && new[] { 1, 3, 4 }.All(number => LastWord(number) is { Tags: ["daily"] }));
        await host.Bus.PublishAsync(points[1]);
        await host.Bus.PublishAsync(Point(5, now));
        await Eventually.GetAsync(LoadAsync, item => item is { Points.Count: 5 });

        await using var session = host.Service.Services.GetRequiredService<IDocumentStore>().QuerySession();
        var events = await session.Events.FetchStreamAsync(itemId, token: TestContext.Current.CancellationToken);
        Assert.Equal(5, events.Count(e => e.Data is PointNoted));
    }

    [Fact]
    public async Task GivenTheClockJumpsAYear_WhenSwept_ThenAllButTheNewestExpireAndStayExpired()
    {
        await host.Service.SetClockAsync(TimeSpan.Zero);
        var now = DateTimeOffset.UtcNow;
        var points = Enumerable.Range(1, 20).Select(number => Point(number, now.AddDays(number - 20))).ToArray();
        foreach (var point in points)
        {
            await host.Bus.PublishAsync(point);
        }

        await Eventually.GetAsync(LoadAsync, item => item is { Points.Count: 20 });
        await host.Service.SetClockAsync(TimeSpan.FromDays(400));

        await host.Bus.WaitAsync(all => Enumerable.Range(1, 19).All(number => all.Any(one => IsExpiry(one, number))));
        await host.Bus.PublishAsync(points[4]);
        await host.Bus.PublishAsync(Point(21, host.Service.Clock.GetUtcNow()));
        await host.Bus.WaitAsync(all => all.Any(one => IsExpiry(one, 20)));

        Assert.Equal([21L], (await LoadAsync())!.Points.Select(point => point.Sequence));
        Assert.Equal(20, host.Bus.Heard.Where(one => IsOfThis(one.Message) && one.Message is RecoveryPointExpired).DistinctBy(one => one.MessageId).Count());
    }

    [Fact]
    public async Task GivenTheService_WhenAskedForHealth_ThenItIsHealthyAndUnknownPathsAreNotFound()
    {
        using var client = host.Service.CreateClient();

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/api/anything", TestContext.Current.CancellationToken)).StatusCode);
    }

    private RecoveryPointCreated Point(int number, DateTimeOffset at) =>
        new(itemId, number, at, itemId, itemId, itemId, "files", PointId(number), number, "Europe/Berlin", 1);

    private Guid PointId(int number)
    {
        var bytes = itemId.ToByteArray();
        bytes[15] = (byte)number;
        return new Guid(bytes);
    }

    private RecoveryPointTagged? LastWord(int number) => host.Bus.Heard.Select(one => one.Message).OfType<RecoveryPointTagged>()
        .Where(message => message.RecoveryPointId == PointId(number)).MaxBy(message => message.Version);

    private bool IsExpiry(HeardMessage one, int number) => one.Message is RecoveryPointExpired e && e.RecoveryPointId == PointId(number);

    private bool IsOfThis(Contracts.IContract message) => message.StreamId == itemId;

    private async Task<ItemRetention?> LoadAsync()
    {
        await using var session = host.Service.Services.GetRequiredService<IDocumentStore>().QuerySession();
        return await session.LoadAsync<ItemRetention>(itemId, TestContext.Current.CancellationToken);
    }
}
