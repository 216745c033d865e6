using System.Net;
using System.Net.Http.Headers;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Retention;
using BackupPlatform.Testing.Services;

namespace BackupPlatform.Retention.Tests;

/// <summary>The calls of operators, and what others hear of them.</summary>
[Collection(OneService.Name)]
public sealed class DeletionServiceTests(RetentionHost host)
{
    private readonly Guid itemId = Guid.CreateVersion7();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenAPoint_WhenDeletedUndeletedAndDeletedAgain_ThenOthersHearEachOnceAndItIsPurgedInTheEnd()
    {
        await host.Service.SetClockAsync(TimeSpan.Zero);
        var point = Point();
        await host.Bus.PublishAsync(point);
        var before = DateTimeOffset.UtcNow;

        await DoneAsync(HttpMethod.Delete, point, "");
        await DoneAsync(HttpMethod.Delete, point, "");
        var deleted = await host.Bus.FirstAsync<RecoveryPointDeleted>(IsOf);
        Assert.InRange(deleted.PurgeAt - before, TimeSpan.FromDays(14), TimeSpan.FromDays(14) + TimeSpan.FromMinutes(5));
        await DoneAsync(HttpMethod.Post, point, "/undelete");
        await DoneAsync(HttpMethod.Post, point, "/undelete");
        await host.Bus.FirstAsync<RecoveryPointRestored>(IsOf);
        await DoneAsync(HttpMethod.Delete, point, "");
        await host.Service.SetClockAsync(TimeSpan.FromDays(15));
        await host.Bus.FirstAsync<RecoveryPointPurged>(IsOf);

        using var client = Client();
        using var late = await client.PostAsync(new Uri($"/api/recovery-points/{point.RecoveryPointId}/undelete", UriKind.Relative), null, Stop);
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        var story = host.Bus.Heard.Where(one => one.Message.StreamId == itemId && one.Message is not RecoveryPointTagged).DistinctBy(one => one.MessageId)
            .Select(one => one.Message).OrderBy(message => message.Version).Select(message => message.GetType().Name);
        Assert.Equal([nameof(RecoveryPointDeleted), nameof(RecoveryPointRestored), nameof(RecoveryPointDeleted), nameof(RecoveryPointPurged)], story);
        await host.Service.SetClockAsync(TimeSpan.Zero);

        bool IsOf(IContract message) => message.StreamId == itemId;
    }

    [Fact]
    public async Task GivenAPointThatIsNotThere_WhenDeleted_ThenNotFound()
    {
        using var client = Client();
        using var answer = await client.DeleteAsync(new Uri($"/api/recovery-points/{Guid.CreateVersion7()}", UriKind.Relative), Stop);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        using var nobody = host.Service.CreateClient();
        using var refused = await nobody.DeleteAsync(new Uri($"/api/recovery-points/{Guid.CreateVersion7()}", UriKind.Relative), Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    private async Task DoneAsync(HttpMethod method, RecoveryPointCreated point, string path)
    {
        using var client = Client();
        using var request = new HttpRequestMessage(method, $"/api/recovery-points/{point.RecoveryPointId}{path}");
        using var answer = await client.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    private HttpClient Client()
    {
        var client = host.Service.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServiceHost<Program>.OperatorToken);
        return client;
    }

    private RecoveryPointCreated Point() => new(
        itemId, 1, DateTimeOffset.UtcNow, Guid.CreateVersion7(), itemId, itemId, "files", Guid.CreateVersion7(), 1, "Europe/Berlin", 1);
}
