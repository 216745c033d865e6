using System.CommandLine;
using BackupPlatform.Agent.Registration;

namespace BackupPlatform.Agent.Commands;

/// <summary>The options of every command that reads recovery points: of this machine, or of another one.</summary>
internal sealed class ReadingOptions
{
    private readonly Option<string?> _machine = new("--machine")
    {
        Description = "Another machine's recovery points: its name or id in the vault; needs --credentials and its passphrase", HelpName = "NAME",
    };

    private readonly Option<string?> _credentials = new("--credentials")
    {
        Description = "Vault credentials file, with --machine", HelpName = "FILE",
    };

    private readonly Option<string?> _passphraseFile = new("--passphrase-file")
    {
        Description = "File whose first line is that machine's passphrase (default: asked for on a terminal)", HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_machine);
        command.Options.Add(_credentials);
        command.Options.Add(_passphraseFile);
    }

    /// <exception cref="AgentException">The options contradict each other, this machine is not registered, or the other one is refused.</exception>
    public async Task<ReadingSession> OpenAsync(ParseResult parsed, CommandContext context, CancellationToken cancellation)
    {
        var (machine, file) = (parsed.GetValue(_machine), parsed.GetValue(_credentials));
        var passphraseFile = parsed.GetValue(_passphraseFile);
        if (machine is null)
        {
            return file is null && passphraseFile is null
                ? MachineSession.Open(context)
                : throw AgentException.Usage("--credentials and --passphrase-file are for another machine: name it with --machine NAME.");
        }

        if (file is null)
        {
            throw AgentException.Usage("To read another machine's recovery points, give its vault's credentials: --credentials FILE.");
        }

        var credentials = ShownCredentials.Read(file);
        var passphrase = passphraseFile is not null
            ? PassphraseFiles.Read(passphraseFile)
            : await AskAsync(context, machine, cancellation);
        return await RecoverySession.OpenAsync(context, credentials, machine, passphrase, cancellation);
    }

    private static Task<string> AskAsync(CommandContext context, string machine, CancellationToken cancellation) =>
        context.CanAsk
            ? context.Prompts.PassphraseAsync($"Passphrase of {machine}:", cancellation)
            : throw AgentException.Usage($"Give the passphrase of {machine} with --passphrase-file FILE.");
}
