using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary>A registered machine at work: its keys, and its line to the platform.</summary>
internal sealed class MachineSession : IDisposable
{
    private readonly MachineIdentity _identity;
    private readonly MachineTokens _tokens;
    private readonly PlatformClient _client;

    private MachineSession(CommandContext context, Machine machine, RetryPolicy retry)
    {
        Machine = machine;
        using (var masterKey = MasterKey.Import(machine.MasterKey))
        {
            Keys = new KeyRing(masterKey, machine.Id);
        }

        var home = context.Home;
        var known = home.Endpoints ?? new AgentEndpoints([], [], []);
        _identity = MachineIdentity.Import(machine.IdentityKey);
        _tokens = new MachineTokens(machine.Id, message => _identity.Sign(message), context.Time, news => Remember(home, ref known, news));
        _client = new PlatformClient(new Endpoints(known), retry) { Tokens = _tokens };
        Ingest = new IngestCalls(_client);
        Restore = new RestoreCalls(_client);
    }

    public Machine Machine { get; }

    public KeyRing Keys { get; }

    public IngestCalls Ingest { get; }

    public RestoreCalls Restore { get; }

    /// <exception cref="AgentException">The machine is not registered.</exception>
    public static MachineSession Open(CommandContext context, RetryPolicy? retry = null) =>
        new(context, context.Home.RequireMachine(), retry ?? context.Retry);

    /// <summary>Gets a token: proves that the platform is there and knows the machine.</summary>
    public Task ConnectAsync(CancellationToken cancellation) => _tokens.GetAsync(_client, cancellation);

    public void Dispose()
    {
        _client.Dispose();
        _tokens.Dispose();
        _identity.Dispose();
        Keys.Dispose();
    }

    private static void Remember(AgentHome home, ref AgentEndpoints known, AgentEndpoints news)
    {
        if (Same(known.Registration, news.Registration) && Same(known.Ingest, news.Ingest) && Same(known.Restore, news.Restore))
        {
            return;
        }

        known = news;
        home.Endpoints = news;
    }

    private static bool Same(IReadOnlyList<Uri> left, IReadOnlyList<Uri> right) => left.SequenceEqual(right);
}
