using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary>A registered machine at work, with its own identity and what its home remembers.</summary>
internal sealed class MachineSession : ReadingSession
{
    private readonly AgentHome _home;
    private readonly MachineIdentity _identity;

    private MachineSession(AgentHome home, Machine machine, MachineIdentity identity, PlatformClient client)
        : base(machine.Id, machine.Name, KeysOf(machine), client)
    {
        (_home, _identity, Machine, Registration) = (home, identity, machine, new RegistrationCalls(client));

        // Before the platform is asked for anything: what another agent of this home learns meanwhile is no regress.
        Heads = new HeadMemory(home);
    }

    public Machine Machine { get; }

    public override HeadMemory Heads { get; }

    public RegistrationCalls Registration { get; }

    /// <exception cref="AgentException">The machine is not registered.</exception>
    public static MachineSession Open(CommandContext context, RetryPolicy? retry = null) =>
        Open(context, context.Home.RequireMachine(), retry);

    /// <summary>A machine that the home need not hold yet.</summary>
    public static MachineSession Open(CommandContext context, Machine machine, RetryPolicy? retry = null)
    {
        var home = context.Home;
        var known = home.Endpoints ?? new AgentEndpoints([], [], []);
        var identity = MachineIdentity.Import(machine.IdentityKey);
        var client = new PlatformClient(new Endpoints(known), retry ?? context.Retry) { UploadLimit = context.UploadLimit };
        client.Tokens = new AccessTokens(
            (_, cancellation) => new RegistrationCalls(client).RequestTokenAsync(machine.Id, identity.Sign, cancellation),
            context.Time,
            news => Remember(home, ref known, news));
        return new MachineSession(home, machine, identity, client);
    }

    public override IPageCache Cache(string item) => Pages(item);

    /// <summary>The pages of an item's points that are on the machine.</summary>
    public PageCache Pages(string item) => new(Path.Combine(_home.CachePath, "pages", "item-" + item), Keys);

    public override void Dispose()
    {
        base.Dispose();
        _identity.Dispose();
    }

    private static KeyRing KeysOf(Machine machine)
    {
        using var masterKey = MasterKey.Import(machine.MasterKey);
        return new KeyRing(masterKey, machine.Id);
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
