using BackupPlatform.Agent.Output;

namespace BackupPlatform.Agent.Registration;

/// <summary>What the wizard was told.</summary>
/// <param name="Passphrase">Of one's own; null: one is made at random.</param>
/// <param name="PassphraseOut">Where the made one is saved.</param>
internal sealed record WizardAnswers(string Credentials, string Name, string? Passphrase, string? PassphraseOut);

/// <summary>Asks on the terminal for what <c>register</c> needs.</summary>
internal sealed class Wizard(Prompts prompts)
{
    public async Task<WizardAnswers> AskAsync(string? name, CancellationToken cancellation)
    {
        prompts.Say("This registers the machine with a vault. It takes a vault credentials file from the vault's operator.");
        var credentials = await prompts.TextAsync("Vault credentials file:", null, FaultOfCredentials, cancellation);
        prompts.Say($"They are for the vault '{ShownCredentials.Read(credentials).Fields.VaultName}'.");
        name ??= await prompts.TextAsync("Name of this machine in the vault:", Environment.MachineName, FaultOfName, cancellation);
        prompts.Say("A passphrase encrypts everything before it leaves this machine. Without it nothing can be restored elsewhere.");
        if (!await prompts.ConfirmAsync("Make a passphrase at random?", usual: true, cancellation))
        {
            return new WizardAnswers(credentials, name, await prompts.NewPassphraseAsync(cancellation), null);
        }

        var file = await prompts.TextAsync("File to save it in:", Path.GetFullPath($"{FileName(name)}.passphrase"), FaultOfNewFile, cancellation);
        return new WizardAnswers(credentials, name, null, file);
    }

    /// <summary>Tells what was done.</summary>
    public void Tell(string name, string vault, string home, string? passphraseOut)
    {
        prompts.Say($"Registered '{name}' with the vault '{vault}'. Its keys are in {home}.");
        if (passphraseOut is not null)
        {
            prompts.Say($"The passphrase is in {Path.GetFullPath(passphraseOut)}: move it off this machine and keep it safe.");
        }

        prompts.Say("Back up with 'backup-agent backup PATH'.");
    }

    private static string? FaultOfCredentials(string file)
    {
        try
        {
            ShownCredentials.Read(file);
            return null;
        }
        catch (AgentException e)
        {
            return e.Message;
        }
    }

    private static string? FaultOfName(string name) => name.Trim().Length is >= 1 and <= 64 ? null : "A name has 1 to 64 characters.";

    public static string? FaultOfNewFile(string file) =>
        File.Exists(file) ? "There is such a file already; it is not overwritten."
        : Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file))) ? null : "There is no such folder.";

    private static string FileName(string name) => string.Concat(name.Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' ? c : '-'));
}
