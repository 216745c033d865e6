using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Agent.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Tests;

public sealed class RegistrarTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenACrashAfterThePassphraseFile_WhenRegisteringAgain_ThenItIsTheSameRegistration()
    {
        var context = Context();
        var first = Registrar.PendGenerated(context, _folder.At("passphrase"));
        var second = Registrar.PendGenerated(context, _folder.At("passphrase"));
        Assert.Equal(first.MachineId, second.MachineId);
        Assert.Equal(first.IdentityKey, second.IdentityKey);
        Assert.Equal(first.KeyHeader, second.KeyHeader);
        Assert.Equal(first.MasterKey, second.MasterKey);
    }

    [Fact]
    public void GivenACrashBeforeThePassphraseFile_WhenRegisteringAgain_ThenThePassphraseThatIsKeptOpensTheKeys()
    {
        var context = Context();
        Registrar.PendGenerated(context, _folder.At("passphrase"));
        File.Delete(_folder.At("passphrase"));
        var again = Registrar.PendGenerated(context, _folder.At("passphrase"));
        var passphrase = File.ReadAllText(_folder.At("passphrase")).TrimEnd('\n');
        using var masterKey = KeyHeader.Parse(again.KeyHeader).Unwrap(passphrase, again.MachineId);
        Assert.Equal(again.MasterKey, masterKey.Bytes.ToArray());
    }

    [Fact]
    public void GivenAFileOfSomebodyElse_WhenAPassphraseIsToBeWrittenThere_ThenItStaysAndNothingIsPending()
    {
        var context = Context();
        _folder.Write("passphrase", "not ours");
        Assert.Equal(2, Assert.Throws<AgentException>(() => Registrar.PendGenerated(context, _folder.At("passphrase"))).ExitStatus);
        Assert.Equal("not ours", File.ReadAllText(_folder.At("passphrase")));
        Assert.Null(context.Home.Pending);
    }

    [Fact]
    public void GivenAPassphraseOfOnesOwn_WhenRegisteringAgain_ThenItIsTheSameRegistrationOnlyForThatPassphrase()
    {
        var context = Context();
        var first = Registrar.Pend(context, "correct horse battery");
        Assert.Equal(first.MachineId, Registrar.Pend(context, "correct horse battery").MachineId);
        Assert.NotEqual(first.MachineId, Registrar.Pend(context, "another horse battery").MachineId);
    }

    [Fact]
    public void GivenKeys_WhenKept_ThenOnlyTheirOwnerReadsThem()
    {
        var context = Context();
        Registrar.PendGenerated(context, _folder.At("passphrase"));
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(ownerOnly, File.GetUnixFileMode(Path.Combine(context.Home.Path, "pending.json")));
        Assert.Equal(ownerOnly, File.GetUnixFileMode(_folder.At("passphrase")));
        Assert.Equal(ownerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(context.Home.Path));
    }

    [Fact]
    public async Task GivenAPlatformThatIsNotThere_WhenRegistering_ThenTheStatusIs8AndTheRegistrationWaits()
    {
        // A port that was free a moment ago.
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}/");
        listener.Stop();
        _folder.Write("credentials", Credentials(address).ToXml());
        var run = await AgentRun.OfAsync(
            "register", "--credentials", _folder.At("credentials"), "--generate-passphrase", "--passphrase-out", _folder.At("passphrase"),
            "--home", _folder.At("home"), "--json");
        Assert.Equal((8, "unavailable"), (run.Status, run.Code));
        Assert.True(File.Exists(_folder.At("home/pending.json")));
        Assert.False(File.Exists(_folder.At("home/machine.json")));
    }

    [Fact]
    public async Task GivenAFileThatIsNoCredentials_WhenRegistering_ThenTheStatusIs5AndNothingIsKept()
    {
        _folder.Write("credentials", "<VaultCredentials/>");
        var run = await AgentRun.OfAsync(
            "register", "--credentials", _folder.At("credentials"), "--generate-passphrase", "--passphrase-out", _folder.At("passphrase"),
            "--home", _folder.At("home"), "--json");
        Assert.Equal((5, "credentials-invalid"), (run.Status, run.Code));
        Assert.False(File.Exists(_folder.At("passphrase")));
    }

    private static VaultCredentialsFile Credentials(Uri registration)
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        return new VaultCredentialsFile(Guid.Empty, Guid.Empty, Guid.Empty, "vault", now, now.AddDays(2), registration, "token");
    }

    private CommandContext Context()
    {
        var host = new AgentHost(TextReader.Null, TextWriter.Null, TextWriter.Null, _ => null, false, false);
        return new CommandContext(
            host,
            new Report(TextWriter.Null, TextWriter.Null, json: false, quiet: false),
            AgentHome.Locate(_folder.At("home"), _ => null, root: false),
            TimeProvider.System,
            RetryPolicy.Default);
    }
}
