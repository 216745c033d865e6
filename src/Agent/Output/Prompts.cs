using BackupPlatform.Engine;
using Spectre.Console;

namespace BackupPlatform.Agent.Output;

/// <summary>
/// Questions on the terminal. Each ends when the command is interrupted: the thread that still waits for a key ends with the
/// process.
/// </summary>
internal sealed class Prompts(IAnsiConsole console)
{
    public void Say(string text) => console.WriteLine(text);

    public Task<T> AskAsync<T>(IPrompt<T> prompt, CancellationToken cancellation) =>
        Task.Run(() => prompt.Show(console), CancellationToken.None).WaitAsync(cancellation);

    public Task<bool> ConfirmAsync(string question, bool usual, CancellationToken cancellation) =>
        AskAsync(new ConfirmationPrompt(Markup.Escape(question)) { DefaultValue = usual }, cancellation);

    public Task<string> TextAsync(string question, string? usual, Func<string, string?> fault, CancellationToken cancellation)
    {
        var prompt = new TextPrompt<string>(Markup.Escape(question)).Validate(text => Judge(fault(text)));
        return AskAsync(usual is null ? prompt : prompt.DefaultValue(usual), cancellation);
    }

    /// <summary>A passphrase that exists; it is not shown.</summary>
    public Task<string> PassphraseAsync(string question, CancellationToken cancellation) => AskAsync(
        new TextPrompt<string>(Markup.Escape(question)).Secret(null).Validate(text => Judge(Passphrase.Validate(text))), cancellation);

    /// <summary>A new passphrase, entered twice.</summary>
    public async Task<string> NewPassphraseAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var first = await PassphraseAsync($"Passphrase, {Passphrase.MinLength} to {Passphrase.MaxLength} characters:", cancellation);
            var again = await AskAsync(new TextPrompt<string>("Once more:").Secret(null).AllowEmpty(), cancellation);
            if (first == again)
            {
                return first;
            }

            Say("The two differ.");
        }
    }

    private static ValidationResult Judge(string? fault) =>
        fault is null ? ValidationResult.Success() : ValidationResult.Error(Markup.Escape(fault));
}
