using BackupPlatform.Engine;
using Spectre.Console;

namespace BackupPlatform.Agent.Registration;

/// <summary>Asks on the terminal for what <c>register</c> needs.</summary>
internal sealed class Wizard(IAnsiConsole console)
{
    /// <summary>The credentials file, the machine's name and the passphrase.</summary>
    public (string Credentials, string Name, string Passphrase) Ask()
    {
        console.WriteLine("This registers the machine with a vault. It takes a vault credentials file from the vault's operator.");
        var credentials = console.Prompt(new TextPrompt<string>("Vault credentials file:")
            .Validate(file => File.Exists(file) ? ValidationResult.Success() : ValidationResult.Error("There is no such file.")));
        var name = console.Prompt(new TextPrompt<string>("Name of this machine in the vault:").DefaultValue(Environment.MachineName));
        return (credentials, name, AskPassphrase());
    }

    private string AskPassphrase()
    {
        console.WriteLine("A passphrase encrypts everything before it leaves this machine. Without it nothing can be restored elsewhere.");
        if (console.Confirm("Make a passphrase at random?"))
        {
            var made = Passphrase.Generate();
            console.WriteLine();
            console.WriteLine($"    {made}");
            console.WriteLine();
            console.WriteLine("It is shown this once. Write it down and keep it off this machine.");
            while (!console.Confirm("Have you kept it?", defaultValue: false))
            {
            }

            return made;
        }

        while (true)
        {
            var first = console.Prompt(new TextPrompt<string>("Passphrase, 16 to 36 characters:").Secret()
                .Validate(text => Passphrase.Validate(text) is { } fault ? ValidationResult.Error(fault) : ValidationResult.Success()));
            if (console.Prompt(new TextPrompt<string>("Once more:").Secret()) == first)
            {
                return first;
            }

            console.WriteLine("The two differ.");
        }
    }
}
