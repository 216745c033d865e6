namespace BackupPlatform.Agent.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly TestFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("backup")]
    [InlineData("backup --no-such-option /tmp")]
    [InlineData("restore latest")]
    [InlineData("restore latest --target /tmp --on-conflict maybe")]
    [InlineData("ls")]
    [InlineData("no-such-command")]
    [InlineData("register")]
    [InlineData("register --credentials x --generate-passphrase")]
    [InlineData("register --credentials x --passphrase-out y")]
    [InlineData("register --credentials /no/such/file --passphrase-file z")]
    [InlineData("points --item UPPER")]
    [InlineData("points --credentials x")]
    [InlineData("points --machine x")]
    [InlineData("points --machine x --credentials /no/such/file --passphrase-file y")]
    [InlineData("find [a")]
    [InlineData("dump latest")]
    [InlineData("diff latest")]
    [InlineData("backup --stdin-name x /tmp")]
    [InlineData("backup --stdin-name UPPER")]
    [InlineData("backup --stdin-name x --item y")]
    [InlineData("backup --command x")]
    [InlineData("backup /tmp --limit-upload fast")]
    [InlineData("register --credentials x --replace y")]
    [InlineData("register --credentials x --replace y --name z --passphrase-file p")]
    [InlineData("register --credentials x --replace y --generate-passphrase --passphrase-out p")]
    public async Task GivenAWrongCommandLine_WhenRun_ThenUsageIsToldAndTheStatusIs2(string line)
    {
        string[] arguments = [.. line.Split(' '), "--home", _home.Path];
        var text = await AgentRun.OfAsync(arguments);
        Assert.Equal(2, text.Status);
        Assert.StartsWith("backup-agent: ", text.Errors);
        var json = await AgentRun.OfAsync([.. arguments, "--json"]);
        Assert.Equal(2, json.Status);
        Assert.Equal("usage", json.Code);
        Assert.Equal("error", json.LastLine.GetProperty("type").GetString());
        Assert.NotEmpty(json.LastLine.GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("backup /tmp")]
    [InlineData("points")]
    [InlineData("ls latest")]
    [InlineData("find x")]
    [InlineData("diff latest latest")]
    [InlineData("backup --stdin-name x")]
    [InlineData("passphrase change --generate-passphrase --passphrase-out x")]
    [InlineData("verify latest")]
    [InlineData("restore latest --target /tmp/x")]
    public async Task GivenAMachineThatIsNotRegistered_WhenAnythingIsAsked_ThenItSaysHowToRegister(string line)
    {
        var run = await AgentRun.OfAsync([.. line.Split(' '), "--home", _home.Path, "--json"]);
        Assert.Equal((1, "not-registered"), (run.Status, run.Code));
    }

    [Fact]
    public async Task GivenDump_WhenItFails_ThenStandardOutputStaysEmptyAndTheErrorIsOnTheOther()
    {
        var run = await AgentRun.OfAsync("dump", "latest", "/x", "--home", _home.Path, "--json");
        Assert.Equal(1, run.Status);
        Assert.Empty(run.Output);
        Assert.Contains("\"not-registered\"", run.Errors);
    }

    [Fact]
    public async Task GivenAMachineThatIsNotRegistered_WhenUnregistered_ThenItIsDone()
    {
        var run = await AgentRun.OfAsync("unregister", "--home", _home.Path, "--json");
        Assert.Equal(0, run.Status);
        Assert.False(run.LastLine.GetProperty("unregistered").GetBoolean());
    }

    [Fact]
    public async Task GivenAMachineThatIsNotRegistered_WhenStatusIsAsked_ThenItIsTold()
    {
        var run = await AgentRun.OfAsync("status", "--home", _home.Path, "--json");
        Assert.Equal(0, run.Status);
        Assert.False(run.LastLine.GetProperty("registered").GetBoolean());
    }

    [Fact]
    public async Task GivenHelp_WhenAsked_ThenExactlyTheCommandsThatExistAreListedWithExamples()
    {
        var run = await AgentRun.OfAsync("--help");
        Assert.Equal(0, run.Status);
        foreach (var command in new[] { "register", "backup", "points", "ls", "find", "diff", "dump", "restore", "verify", "passphrase", "status", "unregister" })
        {
            Assert.Contains("\n  " + command, run.Output);
            var help = await AgentRun.OfAsync(command, "--help");
            Assert.Equal(0, help.Status);
            Assert.Contains("Examples:", help.Output);
        }

        foreach (var later in new[] { "schedule", "run" })
        {
            Assert.DoesNotContain("\n  " + later, run.Output);
        }
    }

    [Fact]
    public async Task GivenAnArgumentWithAnAtSign_WhenParsed_ThenItIsAPathAndNoFileOfArguments()
    {
        var run = await AgentRun.OfAsync("ls", "latest", "@home", "--home", _home.Path, "--json");
        Assert.Equal("not-registered", run.Code);
    }
}
