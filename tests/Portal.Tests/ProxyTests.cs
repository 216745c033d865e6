using System.Diagnostics;
using System.Net;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Portal.Proxy;

namespace BackupPlatform.Portal.Tests;

/// <summary>The one address that leads to every service's API.</summary>
public sealed class ProxyTests(PortalFixture portal)
{
    private const string Id = "0197f000-0000-7000-8000-000000000001";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/api/subscriptions", "vault")]
    [InlineData("/api/subscriptions?limit=2&after=x%20y", "vault")]
    [InlineData($"/api/subscriptions/{Id}/vaults", "vault")]
    [InlineData($"/api/vaults/{Id}", "vault")]
    [InlineData($"/api/vaults/{Id}/credentials", "vault")]
    [InlineData("/api/machines", "registration")]
    [InlineData($"/api/machines/{Id}", "registration")]
    [InlineData($"/api/machines/{Id}/token-challenges", "registration")]
    [InlineData($"/api/machines/{Id}/tokens", "registration")]
    [InlineData($"/api/vaults/{Id}/machines", "registration")]
    [InlineData("/api/backup-jobs", "ingest")]
    [InlineData($"/api/backup-jobs/{Id}", "ingest")]
    [InlineData($"/api/recovery-points/{Id}/manifest", "ingest")]
    [InlineData($"/api/recovery-points/{Id}/undelete", "retention")]
    [InlineData($"/api/machines/{Id}/recovery-points?item=files", "ingest")]
    [InlineData($"/api/machines/{Id}/jobs", "ingest")]
    [InlineData($"/api/vaults/{Id}/jobs?state=Open", "ingest")]
    public async Task GivenAPathOfTheApi_WhenCalled_ThenItsOwnerGetsTheCallAsItWas(string path, string owner)
    {
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete })
        {
            using var request = new HttpRequestMessage(method, path);
            var trace = ActivityTraceId.CreateRandom();
            request.Headers.Add("traceparent", $"00-{trace.ToHexString()}-{ActivitySpanId.CreateRandom().ToHexString()}-01");
            if (method == HttpMethod.Post) request.Content = new StringContent("the body");

            var answer = await portal.Client().SendAsync(request, Stop);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var reached = (await answer.Content.ReadAsStringAsync(Stop)).Split('\n');
            Assert.Equal(owner, reached[0]);
            Assert.Equal($"{method} {path}", reached[1]);
            Assert.Equal($"Bearer {PortalFixture.OperatorToken}", reached[2]);
            Assert.StartsWith($"00-{trace.ToHexString()}-", reached[3], StringComparison.Ordinal);
            Assert.Equal(method == HttpMethod.Post ? "the body" : "", reached[4]);
        }
    }

    [Theory]
    [InlineData("GET", "ingest")]
    [InlineData("DELETE", "retention")]
    public async Task GivenARecoveryPoint_WhenReadOrDeleted_ThenTheOneWhoDecidesThatGetsTheCall(string method, string owner)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"/api/recovery-points/{Id}");

        var answer = await portal.Client().SendAsync(request, Stop);

        Assert.Equal(owner, (await answer.Content.ReadAsStringAsync(Stop)).Split('\n')[0]);
    }

    [Theory]
    [InlineData("/api/restore-jobs")]
    [InlineData($"/api/restore-jobs/{Id}")]
    [InlineData($"/api/restore-jobs/{Id}/completion")]
    [InlineData($"/api/restore-jobs/{Id}/events")]
    [InlineData($"/api/machines/{Id}/restore-jobs")]
    [InlineData($"/api/vaults/{Id}/restore-jobs")]
    public async Task GivenAnOwnerThatIsDown_WhenCalled_ThenUnavailableNamesIt(string path)
    {
        var answer = await portal.Client().GetAsync(path, Stop);

        var problem = await RefusedAsync(answer, HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable);
        Assert.Contains("restore", problem.Detail, StringComparison.Ordinal);
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("PUT", $"/api/backup-jobs/{Id}/segments/1")]
    [InlineData("POST", $"/api/backup-jobs/{Id}/chunks/missing")]
    [InlineData("POST", $"/api/backup-jobs/{Id}/seal")]
    [InlineData("POST", $"/api/recovery-points/{Id}/chunks")]
    [InlineData("POST", $"/api/recovery-points/{Id}/chunks/missing")]
    [InlineData("PUT", $"/api/restore-jobs/{Id}/selection")]
    [InlineData("GET", $"/api/restore-jobs/{Id}/frames?from=3")]
    public async Task GivenBackedUpData_WhenSentThroughThePortal_ThenItDoesNotPass(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        var problem = await RefusedAsync(await portal.Client().SendAsync(request, Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);

        Assert.Contains("directly", problem.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api")]
    [InlineData("/api/nothing")]
    [InlineData("/api/machines/not-an-id")]
    [InlineData($"/api/machines/{Id}/nothing")]
    [InlineData($"/api/vaults/{Id}/machines/{Id}")]
    [InlineData("/.well-known/jwks.json")]
    public async Task GivenAnUnknownPath_WhenCalled_ThenNotFound(string path) =>
        await RefusedAsync(await portal.Client().GetAsync(path, Stop), HttpStatusCode.NotFound, ProblemCodes.NotFound);

    [Fact]
    public async Task GivenRestoreIsDown_WhenThePortalIsAskedForItsHealth_ThenItIsHealthyAndDescribesItself()
    {
        Assert.Equal(HttpStatusCode.OK, (await portal.Client(null).GetAsync("/health", Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await portal.Client(null).GetAsync("/alive", Stop)).StatusCode);
        using var description = JsonDocument.Parse(await portal.Client(null).GetStringAsync("/openapi/v1.json", Stop));
        Assert.True(description.RootElement.TryGetProperty("openapi", out _));
    }

    [Fact]
    public void GivenTheRoutes_WhenCompared_ThenNoPathHasTwoOwners() =>
        Assert.DoesNotContain(ApiRoutes.All.Concat(ApiRoutes.DataPlane).GroupBy(route => route.Path), group => group.Count() > 1);

    private static async Task<ProblemDocument> RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize(text, ContractsJson.Default.ProblemDocument)!;
        Assert.Equal(code, problem.Code);
        return problem;
    }
}
