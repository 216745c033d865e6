namespace BackupPlatform.Agent.Registration;

/// <summary>What <c>register</c> was asked for.</summary>
internal sealed record RegisterOptions(
    string? Credentials, string? Name, string? PassphraseFile, bool GeneratePassphrase, string? PassphraseOut)
{
    public bool IsWizard => Credentials is null && PassphraseFile is null && !GeneratePassphrase && PassphraseOut is null;

    /// <exception cref="AgentException">The options contradict each other, or one is missing (exit 2).</exception>
    public void Check()
    {
        var fault = this switch
        {
            { Credentials: null } => "Name the vault credentials file with --credentials FILE.",
            { GeneratePassphrase: true, PassphraseFile: not null } => "Give either --passphrase-file or --generate-passphrase.",
            { GeneratePassphrase: true, PassphraseOut: null } => "Say where the generated passphrase is to be written: --passphrase-out FILE.",
            { GeneratePassphrase: false, PassphraseOut: not null } => "--passphrase-out needs --generate-passphrase.",
            { GeneratePassphrase: false, PassphraseFile: null } =>
                "Give a passphrase with --passphrase-file FILE, or let one be made with --generate-passphrase --passphrase-out FILE.",
            _ => null,
        };
        if (fault is not null)
        {
            throw AgentException.Usage(fault);
        }
    }
}
