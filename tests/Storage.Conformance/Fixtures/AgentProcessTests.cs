using System.Text;
using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance.Fixtures;

/// <summary>With a script in the agent's place.</summary>
public sealed class AgentProcessTests : IDisposable
{
    private readonly TempFolder _folder = new("agent");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task GivenAnAgent_WhenRun_ThenItsLinesStatusAndArgumentsAreSeen()
    {
        AgentProcess agent = Scripted("""
            echo '{"type":"point","id":1}'; echo '{"type":"point","id":2}'; echo "plain $*"; printf '{"type":"summary","read":"%s"}\n' "$(cat)"
            echo trouble >&2; exit 3
            """);

        AgentResult result = await agent.RunAsync(["backup", "--", "cmd"], new MemoryStream(Encoding.UTF8.GetBytes("hello")), Cancellation);

        Assert.Equal(3, result.ExitCode);
        Assert.Equal([1, 2], result.OfType("point").Select(line => line.GetProperty("id").GetInt32()));
        Assert.Equal("hello", result.Summary.GetProperty("read").GetString());
        Assert.Contains($"plain backup --home {agent.Home} --json -- cmd", Encoding.UTF8.GetString(result.Output), StringComparison.Ordinal);
        Assert.Equal("trouble\n", result.Error);
        Assert.Contains("trouble", Assert.Throws<InvalidOperationException>(() => result.Expect()).Message, StringComparison.Ordinal);
        Assert.Same(result, result.Expect(3));
    }

    [Fact]
    public async Task GivenAnAgentThatHangs_WhenItsTimeIsOver_ThenItIsKilledAndSaysSo()
    {
        AgentProcess agent = Scripted("echo started; sleep 1000", TimeSpan.FromSeconds(1));

        TimeoutException failure = await Assert.ThrowsAsync<TimeoutException>(() => agent.RunAsync("backup"));

        Assert.Contains("started", failure.Message, StringComparison.Ordinal);
    }

    private AgentProcess Scripted(string script, TimeSpan? timeout = null)
    {
        string path = _folder.Combine("agent");
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new AgentProcess(path, _folder.Combine("home")) { Timeout = timeout ?? TimeSpan.FromMinutes(1) };
    }
}
