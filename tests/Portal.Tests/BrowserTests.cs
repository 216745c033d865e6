using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using Microsoft.Playwright;

namespace BackupPlatform.Portal.Tests;

/// <summary>The operators' page as an operator meets it: in a browser.</summary>
public sealed class BrowserTests(PortalFixture portal) : IAsyncLifetime
{
    private const string Markup = "<img src=x onerror=\"document.title='owned'\">";

    private static readonly DateTimeOffset At = new(2026, 3, 1, 12, 30, 45, TimeSpan.Zero);

    private readonly List<string> complaints = [];
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;
    private IPage page = null!;

    public async ValueTask InitializeAsync()
    {
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium(), Args = ["--no-sandbox"] });
        page = await browser.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    [Fact]
    public async Task GivenAnOperator_WhenSigningInAndOpeningAVault_ThenMachinesAndJobsAreThereAndSigningOutHidesThem()
    {
        var vault = Guid.CreateVersion7(At);
        Answer(vault);

        await page.GotoAsync(portal.Address.ToString());
        await page.GetByLabel("Operator token").FillAsync(PortalFixture.OperatorToken);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Vault Archive" })).ToBeVisibleAsync();
        await page.GotoAsync($"{portal.Address}?vault={vault:D}");

        var machines = page.GetByRole(AriaRole.Table, new() { Name = "Protected machines" });
        await Assertions.Expect(machines.GetByRole(AriaRole.Row)).ToHaveCountAsync(2);
        await Assertions.Expect(machines).ToContainTextAsync(Markup);
        await Assertions.Expect(page.GetByRole(AriaRole.Table, new() { Name = "Backup jobs, newest first" })).ToContainTextAsync("Failed");
        await Assertions.Expect(page.GetByText("The restore service does not answer.")).ToBeVisibleAsync();
        Assert.DoesNotContain("owned", await page.TitleAsync(), StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Operator token")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Archive")).ToHaveCountAsync(0);
        Assert.Empty(complaints);
    }

    [Theory]
    [InlineData(360)]
    [InlineData(1440)]
    public async Task GivenAScreenOfThisWidth_WhenThePageIsShown_ThenOnlyTablesScrollSideways(int width)
    {
        Answer(Guid.CreateVersion7(At));
        await page.SetViewportSizeAsync(width, 800);
        await page.Context.AddCookiesAsync([new()
        {
            Name = "backup-platform-operator", Value = PortalFixture.OperatorToken, Url = portal.Address.ToString(),
        }]);

        await page.GotoAsync(portal.Address.ToString());

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Vault Archive" })).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"));
    }

    private void Answer(Guid vault)
    {
        var (subscription, machine) = (Guid.CreateVersion7(At), Guid.CreateVersion7(At));
        var subscriptions = JsonSerializer.Serialize(
            new Page<SubscriptionDocument>([new(subscription, "Acme", At)], null), ContractsJson.Default.PageSubscriptionDocument);
        portal.Answers["/api/subscriptions?limit=1"] = subscriptions;
        portal.Answers["/api/subscriptions?limit=20"] = subscriptions;
        portal.Answers[$"/api/subscriptions/{subscription}/vaults"] = JsonSerializer.Serialize(
            new Page<VaultDocument>([new(vault, subscription, "Archive", Redundancy.LRS, At)], null), ContractsJson.Default.PageVaultDocument);
        portal.Answers[$"/api/vaults/{vault}/machines"] = JsonSerializer.Serialize(
            new Page<MachineDocument>([new(machine, vault, Markup, "Europe/Berlin", MachineState.Registered, At, null)], null),
            ContractsJson.Default.PageMachineDocument);
        portal.Answers[$"/api/vaults/{vault}/jobs?limit=20"] = JsonSerializer.Serialize(
            new Page<BackupJobDocument>(
                [new(vault, vault, machine, "files", BackupJobState.Failed, At, At, 7, null, 3 << 20, null, "the agent went away")], null),
            ContractsJson.Default.PageBackupJobDocument);
        portal.Answers[$"/api/machines/{machine}/recovery-points?limit=1"] = JsonSerializer.Serialize(
            new Page<RecoveryPointDocument>(
                [new(vault, vault, machine, "files", 7, At, RecoveryPointState.Sealed, 1, 5 << 10, 1, ["daily"], null)], null),
            ContractsJson.Default.PageRecoveryPointDocument);
    }

    private static string Chromium() => Array.Find(["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"], File.Exists)
        ?? throw new InvalidOperationException("There is no Chromium here; infra/install.sh --tests installs it.");
}
