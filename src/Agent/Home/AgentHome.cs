using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using BackupPlatform.Agent.Files;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Home;

/// <summary>
/// The folder with a machine's state; two homes are two machines. <c>machine.json</c> and <c>pending.json</c> hold keys and
/// are for their owner alone. <c>cache</c> may vanish at any time.
/// </summary>
internal sealed class AgentHome
{
    // EWOULDBLOCK: another process has the lock.
    private const int WouldBlock = 11;
    private const string HeadsFile = "heads.json";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private AgentHome(string path) => Path = path;

    /// <summary>Absolute.</summary>
    public string Path { get; }

    public string CachePath => At("cache");

    /// <summary>Where the home is: the option, BACKUP_AGENT_HOME, or the system's usual place.</summary>
    public static AgentHome Locate(string? option, Func<string, string?> environment, bool root)
    {
        var path = NotEmpty(option) ?? NotEmpty(environment("BACKUP_AGENT_HOME")) ?? UsualPlace(environment, root);
        return PathText.IsUtf8(PathText.Encode(path))
            ? new AgentHome(System.IO.Path.GetFullPath(path))
            : throw AgentException.Usage("The path of the agent's home must be UTF-8.");
    }

    /// <summary>Makes the folder, for its owner alone, where it is not there yet.</summary>
    public void Create() => Directory.CreateDirectory(Path, OwnerOnly);

    /// <summary>Attributes of the folder, to leave it out of backups; null before there is one.</summary>
    public FileStat? Stat() => FileSystem.TryStat(FileSystem.CurrentDirectory, PathText.Encode(Path));

    public Machine? Machine
    {
        get => Read("machine.json", HomeJson.Default.Machine);
        set => Write("machine.json", value, HomeJson.Default.Machine);
    }

    public PendingRegistration? Pending
    {
        get => Read("pending.json", HomeJson.Default.PendingRegistration);
        set => Write("pending.json", value, HomeJson.Default.PendingRegistration);
    }

    /// <summary>Where the services were when the platform last said so.</summary>
    public AgentEndpoints? Endpoints
    {
        get => Read("endpoints.json", HomeJson.Default.AgentEndpoints);
        set => Write("endpoints.json", value, HomeJson.Default.AgentEndpoints);
    }

    /// <summary>A take-over of a machine that was begun.</summary>
    public PendingReplacement? PendingReplacement
    {
        get => Read("replacement.json", HomeJson.Default.PendingReplacement);
        set => Write("replacement.json", value, HomeJson.Default.PendingReplacement);
    }

    /// <summary>A change of the passphrase that was begun.</summary>
    public PendingKeyHeader? PendingKeyHeader
    {
        get => Read("key-header.json", HomeJson.Default.PendingKeyHeader);
        set => Write("key-header.json", value, HomeJson.Default.PendingKeyHeader);
    }

    /// <summary>The heads by item.</summary>
    public Dictionary<string, Head> Heads => Read(HeadsFile, HomeJson.Default.DictionaryStringHead) ?? [];

    /// <summary>Puts an item's head forward, whatever other agents of this home do; a newer one stays.</summary>
    public void RaiseHead(string item, Head head)
    {
        Create();
        using var guard = FolderLock.Wait(Path);
        var heads = Heads;
        if (!heads.TryGetValue(item, out var known) || known.Sequence < head.Sequence)
        {
            heads[item] = head;
            Write(HeadsFile, heads, HomeJson.Default.DictionaryStringHead);
        }
    }

    /// <summary>Removes the machine's keys and all that belongs to them. The keys go last: before that, it can be done again.</summary>
    public void Forget()
    {
        ForgetPoints();
        PendingKeyHeader = null;
        PendingReplacement = null;
        Pending = null;
        Endpoints = null;
        Machine = null;
    }

    /// <summary>Removes what is known of recovery points: heads and cache.</summary>
    public void ForgetPoints()
    {
        if (Directory.Exists(CachePath))
        {
            Directory.Delete(CachePath, recursive: true);
        }

        AtomicFile.Delete(At(HeadsFile));
    }

    /// <summary>The machine, or the refusal to go on without one.</summary>
    public Machine RequireMachine() => Machine ?? throw AgentException.Failed(
        $"This machine is not registered (home {Path}). Register it with 'backup-agent register --credentials FILE'.", "not-registered");

    /// <summary>Keeps what changes the machine itself to one agent of this home at a time; the system drops it with the process.</summary>
    public IDisposable Lock() => TryLock("lock")
        ?? throw AgentException.Failed($"Another backup-agent is at work with the home {Path}. Try again when it is done.", "busy");

    /// <summary>Keeps the backups of an item to one at a time; those of other items run beside it.</summary>
    public IDisposable LockItem(string item) => TryLock($"item-{item}.lock")
        ?? throw AgentException.Failed(
            $"Another backup of item '{item}' is running with the home {Path}. Try again when it is done; other items can be backed up meanwhile.",
            "busy");

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string UsualPlace(Func<string, string?> environment, bool root)
    {
        if (root)
        {
            return "/var/lib/backup-agent";
        }

        var state = NotEmpty(environment("XDG_STATE_HOME"))
            ?? System.IO.Path.Combine(
                NotEmpty(environment("HOME")) ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
                ".local", "state");
        return System.IO.Path.Combine(state, "backup-agent");
    }

    private FileStream? TryLock(string name)
    {
        Create();
        try
        {
            return new FileStream(At(name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    private string At(string name) => System.IO.Path.Combine(Path, name);

    private T? Read<T>(string name, JsonTypeInfo<T> type)
        where T : class
    {
        var path = At(name);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new AgentException(
                ExitCodes.Failed, "failed", $"{path} cannot be read: {e.Message} Restore the file, or register again in another home.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new AgentException(ExitCodes.Failed, "failed", $"{path} may not be read: run as the user who registered the machine.", e);
        }
    }

    private void Write<T>(string name, T? value, JsonTypeInfo<T> type)
        where T : class
    {
        if (value is null)
        {
            AtomicFile.Delete(At(name));
            return;
        }

        Create();
        AtomicFile.Replace(At(name), JsonSerializer.SerializeToUtf8Bytes(value, type));
    }
}
