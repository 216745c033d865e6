using System.CommandLine;
using BackupPlatform.Agent.Registration;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>passphrase change</c>: makes another passphrase open this machine's recovery points.</summary>
internal static class PassphraseCommand
{
    public static Command Create(GlobalOptions options, AgentHost host) => new(
        "passphrase",
        """
        Changes the passphrase.

        Examples:
          backup-agent passphrase change
        """)
    {
        CreateChange(options, host),
    };

    private static Command CreateChange(GlobalOptions options, AgentHost host)
    {
        var passphraseFile = new Option<string?>("--passphrase-file")
        {
            Description = "File with the present passphrase, which is checked; alone, with the new one", HelpName = "FILE",
        };
        var newFile = new Option<string?>("--new-passphrase-file")
        {
            Description = "File whose first line is the new passphrase, 16 to 36 characters", HelpName = "FILE",
        };
        var generate = new Option<bool>("--generate-passphrase") { Description = "Make the new passphrase at random" };
        var passphraseOut = new Option<string?>("--passphrase-out")
        {
            Description = "New file that the generated passphrase is written to; keep it off this machine", HelpName = "FILE",
        };
        var command = new Command(
            "change",
            """
            Changes the passphrase: recovery points, old and new, then open with the new one alone. Without options on a terminal it
            asks. Broken off, it goes on when it is run again.

            Examples:
              backup-agent passphrase change
              backup-agent passphrase change --passphrase-file old.txt --new-passphrase-file new.txt
              backup-agent passphrase change --generate-passphrase --passphrase-out new.txt
            """)
        {
            passphraseFile, newFile, generate, passphraseOut,
        };
        command.Run(options, host, (parsed, context, cancellation) => RunAsync(
            context,
            new PassphraseOptions(
                parsed.GetValue(passphraseFile), parsed.GetValue(newFile), parsed.GetValue(generate), parsed.GetValue(passphraseOut)),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, PassphraseOptions options, CancellationToken cancellation)
    {
        context.Home.RequireMachine();
        var asks = options.AreNone && context.CanAsk;
        if (!asks)
        {
            options.Check();
        }

        using var guard = context.Home.Lock();
        using var session = MachineSession.Open(context);
        var change = new PassphraseChange(context, session);
        if (asks)
        {
            await AskAsync(context, session, change, cancellation);
        }
        else if (options.NewFile is { } file)
        {
            var passphrase = PassphraseFiles.Read(file);
            CheckPresent(change, options, passphrase);
            await change.RunAsync(passphrase, cancellation);
        }
        else
        {
            CheckPresent(change, options, null);
            await change.RunGeneratedAsync(options.PassphraseOut!, cancellation);
        }

        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteString("machineId", session.MachineId);
                writer.WriteString("name", session.MachineName);
            },
            $"The passphrase of '{session.MachineName}' is changed: all its recovery points open with the new one alone. Keep it off this machine.");
        return ExitCodes.Done;
    }

    private static void CheckPresent(PassphraseChange change, PassphraseOptions options, string? next)
    {
        if (options.PresentFile is { } file)
        {
            change.CheckPresent(PassphraseFiles.Read(file), next ?? PassphraseFiles.TryRead(options.PassphraseOut!));
        }
    }

    private static async Task AskAsync(
        CommandContext context, MachineSession session, PassphraseChange change, CancellationToken cancellation)
    {
        var prompts = context.Prompts;
        prompts.Say($"This changes the passphrase of '{session.MachineName}'.");
        change.CheckPresent(await prompts.PassphraseAsync("Present passphrase:", cancellation), null);
        if (!await prompts.ConfirmAsync("Make the new one at random?", usual: true, cancellation))
        {
            await change.RunAsync(await prompts.NewPassphraseAsync(cancellation), cancellation);
            return;
        }

        var file = await prompts.TextAsync("File to save it in:", Path.GetFullPath("new.passphrase"), Wizard.FaultOfNewFile, cancellation);
        await change.RunGeneratedAsync(file, cancellation);
        prompts.Say($"The new passphrase is in {Path.GetFullPath(file)}: move it off this machine and keep it safe.");
    }
}
