namespace BackupPlatform.Agent.Backup;

/// <summary>What a pass over the sources counted. Files are regular files; bytes are their lengths.</summary>
internal sealed class BackupTotals
{
    public long Files => New + Changed + Unmodified;

    public long New { get; set; }

    public long Changed { get; set; }

    public long Unmodified { get; set; }

    public long Bytes { get; set; }

    /// <summary>What was left out: sockets, what is excluded, the agent's own state. A directory counts once.</summary>
    public long LeftOut { get; set; }

    /// <summary>Entries of the catalog that are not what was there at one moment.</summary>
    public long Incomplete { get; set; }
}
