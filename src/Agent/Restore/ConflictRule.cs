namespace BackupPlatform.Agent.Restore;

/// <summary>What to do where a file to be restored is there already.</summary>
internal enum ConflictRule
{
    /// <summary>Restore nothing at all.</summary>
    Fail,

    /// <summary>Leave what is there.</summary>
    Skip,

    /// <summary>Put the restored one in its place.</summary>
    Overwrite,

    /// <summary>Give the restored one another name.</summary>
    Rename,
}
