namespace BackupPlatform.Agent.Registration;

/// <summary>What <c>register</c> was asked for.</summary>
internal sealed record RegisterOptions(
    string? Credentials, string? Name, string? Replace, string? PassphraseFile, bool GeneratePassphrase, string? PassphraseOut)
{
    public bool IsWizard => this is { Credentials: null, Replace: null, PassphraseFile: null, GeneratePassphrase: false, PassphraseOut: null };

    /// <param name="canAsk">Whether the passphrase of a machine that is taken over can be asked for.</param>
    /// <exception cref="AgentException">The options contradict each other, or one is missing (exit 2).</exception>
    public void Check(bool canAsk)
    {
        var fault = this switch
        {
            { Credentials: null } => "Name the vault credentials file with --credentials FILE.",
            { Replace: not null, GeneratePassphrase: true } or { Replace: not null, PassphraseOut: not null } =>
                "A machine that is taken over keeps its passphrase: give it with --passphrase-file FILE. 'passphrase change' changes it afterwards.",
            { Replace: not null, Name: not null } => "A machine that is taken over keeps its name: leave --name out.",
            { Replace: not null, PassphraseFile: null } when !canAsk => "Give the passphrase of the machine to take over with --passphrase-file FILE.",
            { Replace: not null } => null,
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
