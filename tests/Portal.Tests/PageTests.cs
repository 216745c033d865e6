using System.Net;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.Portal.Tests;

/// <summary>The operators' page.</summary>
public sealed class PageTests(PortalFixture portal)
{
    private const string Hostile = "<script>alert('1')</script>\"&";
    private const string Encoded = "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;";

    private static readonly DateTimeOffset At = new(2026, 3, 1, 12, 30, 45, TimeSpan.Zero);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenNobodySignedIn_WhenThePageIsOpened_ThenItAsksForATokenAndRunsNoScripts()
    {
        var answer = await portal.Client(null).GetAsync("/", Stop);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        var page = await answer.Content.ReadAsStringAsync(Stop);
        Assert.Contains("<html lang=\"en\">", page, StringComparison.Ordinal);
        Assert.Contains("<label for=\"token\">", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Equal("text/css", (await portal.Client(null).GetAsync("/portal.css", Stop)).Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task GivenATokenOfAnOperator_WhenSigningIn_ThenTheCookieIsOutOfReachOfScriptsAndOtherSites()
    {
        Give("/api/subscriptions?limit=1", JsonSerializer.Serialize(new Page<SubscriptionDocument>([], null), ContractsJson.Default.PageSubscriptionDocument));

        var answer = await SignInAsync(PortalFixture.OperatorToken);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/", answer.Headers.Location?.ToString());
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("")]
    [InlineData("with spaces in it")]
    [InlineData("with\r\nline: ends")]
    [InlineData("ümläut")]
    public async Task GivenWhatCannotBeAToken_WhenSigningIn_ThenNobodyIsSignedIn(string token)
    {
        var answer = await SignInAsync(token);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/sign-out")]
    public async Task GivenAFormOfAnotherSite_WhenSent_ThenForbidden(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent([new("token", PortalFixture.OperatorToken)]),
        };
        request.Headers.Add("Origin", "http://evil.test");

        var answer = await portal.Client(null).SendAsync(request, Stop);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task GivenSomebodySignedIn_WhenSigningOut_ThenTheCookieIsGone()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sign-out");

        var answer = await portal.Client(null).SendAsync(request, Stop);

        Assert.Contains("expires=Thu, 01 Jan 1970", Assert.Single(answer.Headers.GetValues("Set-Cookie")), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task GivenNamesFullOfMarkup_WhenThePageIsShown_ThenAllIsEncodedAndWhatIsSilentIsSaid()
    {
        var (subscription, vault, machine) = (Guid.CreateVersion7(At), Guid.CreateVersion7(At), Guid.CreateVersion7(At));
        Give("/api/subscriptions?limit=20", JsonSerializer.Serialize(
            new Page<SubscriptionDocument>([new(subscription, "S" + Hostile, At)], "cursor\"><b>"), ContractsJson.Default.PageSubscriptionDocument));
        Give($"/api/subscriptions/{subscription}/vaults", JsonSerializer.Serialize(
            new Page<VaultDocument>([new(vault, subscription, "V" + Hostile, Redundancy.GRS, At)], null), ContractsJson.Default.PageVaultDocument));
        Give($"/api/vaults/{vault}/machines", JsonSerializer.Serialize(
            new Page<MachineDocument>([new(machine, vault, "M" + Hostile, "Europe/Berlin", MachineState.Registered, At, null)], null), ContractsJson.Default.PageMachineDocument));
        Give($"/api/vaults/{vault}/jobs?limit=20", JsonSerializer.Serialize(
            new Page<BackupJobDocument>(
                [new(vault, vault, machine, "files", BackupJobState.Failed, At, At, 7, null, 3 << 20, null, "R" + Hostile)], null),
            ContractsJson.Default.PageBackupJobDocument));
        Give($"/api/machines/{machine}/recovery-points?limit=1", JsonSerializer.Serialize(
            new Page<RecoveryPointDocument>(
                [new(vault, vault, machine, "files", 7, At, RecoveryPointState.Sealed, 1, 5 << 10, 1, [], null)], null),
            ContractsJson.Default.PageRecoveryPointDocument));

        var page = WithoutComments(await ShowAsync());

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        foreach (var initial in "SVMR")
        {
            Assert.Contains(initial + Encoded, page, StringComparison.Ordinal);
        }

        foreach (var shown in new[] { "2026-03-01 12:30:45 UTC", "Europe/Berlin", "3 MiB", "5 KiB", "Failed", "GRS", "The restore service does not answer." })
        {
            Assert.Contains(shown, page, StringComparison.Ordinal);
        }
    }

    private void Give(string path, string json) => portal.Answers[path] = json;

    private Task<HttpResponseMessage> SignInAsync(string token) =>
        portal.Client(null).PostAsync("/sign-in", new FormUrlEncodedContent([new("token", token)]));

    private async Task<string> ShowAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("Cookie", $"backup-platform-operator={PortalFixture.OperatorToken}");
        var answer = await portal.Client(null).SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    // Razor marks nothing here, but a test of markup should not rely on that.
    private static string WithoutComments(string page) => System.Text.RegularExpressions.Regex.Replace(page, "<!--.*?-->", "");
}
