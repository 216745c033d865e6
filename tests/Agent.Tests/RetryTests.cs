using System.Net;
using BackupPlatform.Agent.Backup;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Tests;

public class RetryTests
{
    [Theory]
    [InlineData(1, 0.0, 125)]
    [InlineData(1, 1.0, 250)]
    [InlineData(3, 1.0, 1000)]
    [InlineData(50, 1.0, 10_000)]
    public void GivenFailures_WhenWaiting_ThenThePauseGrowsToABound(int failures, double random, double milliseconds) =>
        Assert.Equal(milliseconds, RetryPolicy.Pause(failures, null, random).TotalMilliseconds);

    [Fact]
    public void GivenARequestForPatience_WhenWaiting_ThenItIsHonoured() =>
        Assert.Equal(TimeSpan.FromSeconds(30), RetryPolicy.Pause(1, TimeSpan.FromSeconds(30), 0.5));

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError, true)]
    [InlineData(HttpStatusCode.ServiceUnavailable, true)]
    [InlineData(HttpStatusCode.TooManyRequests, true)]
    [InlineData(HttpStatusCode.Conflict, false)]
    [InlineData(HttpStatusCode.NotFound, false)]
    public void GivenAStatus_WhenJudged_ThenOnlyWhatMayPassIsTriedAgain(HttpStatusCode status, bool transient) =>
        Assert.Equal(transient, RetryPolicy.IsTransient(status));

    [Fact]
    public void GivenSeveralAddresses_WhenOneFails_ThenTheNextIsTakenOnce()
    {
        var (a, b) = (new Uri("http://a/"), new Uri("http://b/"));
        var endpoints = new Endpoints(new AgentEndpoints([a], [a, b], []));
        endpoints.Fail(Service.Ingest, a);
        endpoints.Fail(Service.Ingest, a);
        Assert.Equal(b, endpoints.Current(Service.Ingest));
        Assert.Equal(a, endpoints.Current(Service.Registration));
        endpoints.Fail(Service.Ingest, b);
        Assert.Equal(a, endpoints.Current(Service.Ingest));
        Assert.Equal(8, Assert.Throws<AgentException>(() => endpoints.Current(Service.Restore)).ExitStatus);
    }

    [Fact]
    public void GivenNewsWithoutAService_WhenUpdated_ThenItsKnownAddressesStay()
    {
        var (a, b) = (new Uri("http://a/"), new Uri("http://b/"));
        var endpoints = new Endpoints(new AgentEndpoints([a], [a], [a]));
        endpoints.Update(new AgentEndpoints([b], [], [b]));
        Assert.Equal((b, a, b), (endpoints.Current(Service.Registration), endpoints.Current(Service.Ingest), endpoints.Current(Service.Restore)));
    }

    [Fact]
    public async Task GivenAMemoryBudget_WhenItIsSpent_ThenTheNextWaitsForItsTurn()
    {
        var stop = TestContext.Current.CancellationToken;
        var budget = new MemoryBudget(10);
        await budget.TakeAsync(8, stop);
        var large = budget.TakeAsync(6, stop);
        var small = budget.TakeAsync(1, stop);
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);
        budget.Return(8);
        await large;
        await small;
    }
}
