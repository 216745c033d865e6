using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Commands;

/// <summary>
/// The recovery points of one protected machine, open for reading: its keys, and a line to the platform. Whether it is this
/// machine or another one is no concern of who reads.
/// </summary>
internal abstract class ReadingSession(Guid machineId, string machineName, KeyRing keys, PlatformClient client) : IDisposable
{
    public Guid MachineId { get; } = machineId;

    public string MachineName { get; } = machineName;

    public KeyRing Keys { get; } = keys;

    public IngestCalls Ingest { get; } = new(client);

    public RestoreCalls Restore { get; } = new(client);

    /// <summary>What this machine remembers of its points; null for another machine's.</summary>
    public abstract HeadMemory? Heads { get; }

    /// <summary>Whether the points are those of another machine, or of this one shown from outside.</summary>
    public bool IsElsewhere => Heads is null;

    protected PlatformClient Client { get; } = client;

    /// <summary>Where catalog pages of an item's points are kept at hand.</summary>
    public abstract IPageCache Cache(string item);

    public virtual void Dispose()
    {
        Client.Dispose();
        Client.Tokens?.Dispose();
        Keys.Dispose();
    }
}
