using System.CommandLine;
using BackupPlatform.Agent.Registration;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>register</c>: makes this machine a protected machine of a vault.</summary>
internal static class RegisterCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var credentials = new Option<string?>("--credentials")
        {
            Description = "Vault credentials file, as downloaded by an operator", HelpName = "FILE",
        };
        var name = new Option<string?>("--name") { Description = "Name of the machine in the vault (default: its host name)", HelpName = "NAME" };
        var replace = new Option<string?>("--replace")
        {
            Description = "Take over a machine of the vault, by its name or id; needs its passphrase, and its old identity ends", HelpName = "NAME",
        };
        var passphraseFile = new Option<string?>("--passphrase-file")
        {
            Description = "File whose first line is the passphrase, 16 to 36 characters", HelpName = "FILE",
        };
        var generate = new Option<bool>("--generate-passphrase") { Description = "Make a passphrase at random" };
        var passphraseOut = new Option<string?>("--passphrase-out")
        {
            Description = "New file that the generated passphrase is written to; keep it off this machine", HelpName = "FILE",
        };
        var command = new Command(
            "register",
            """
            Registers this machine with a vault. Without options on a terminal it asks.

            The passphrase encrypts everything before it leaves the machine and is never sent. Without it nothing can be restored
            on another machine.

            Examples:
              backup-agent register
              backup-agent register --credentials V.VaultCredentials --generate-passphrase --passphrase-out passphrase.txt
              backup-agent register --credentials V.VaultCredentials --name web-1 --passphrase-file passphrase.txt
              backup-agent register --credentials V.VaultCredentials --replace web-1 --passphrase-file passphrase.txt
            """)
        {
            credentials, name, replace, passphraseFile, generate, passphraseOut,
        };
        command.Run(options, host, (parsed, context, cancellation) => Registrar.RunAsync(
            context,
            new RegisterOptions(
                parsed.GetValue(credentials),
                parsed.GetValue(name),
                parsed.GetValue(replace),
                parsed.GetValue(passphraseFile),
                parsed.GetValue(generate),
                parsed.GetValue(passphraseOut)),
            cancellation));
        return command;
    }
}
