using System.CommandLine;
using BackupPlatform.Contracts;

namespace BackupPlatform.Agent.Commands;

/// <summary><c>unregister</c>: ends the machine's identity; its recovery points stay.</summary>
internal static class UnregisterCommand
{
    public static Command Create(GlobalOptions options, AgentHost host)
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var command = new Command(
            "unregister",
            """
            Ends this machine's identity with the platform and removes its keys from the home. Its recovery points stay until their
            retention ends; reading them takes vault credentials and the passphrase.

            Examples:
              backup-agent unregister
              backup-agent unregister --yes --json
            """)
        {
            yes,
        };
        command.Run(options, host, (parsed, context, cancellation) => RunAsync(context, parsed.GetValue(yes), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, bool sure, CancellationToken cancellation)
    {
        if (context.Home.Machine is null)
        {
            // What a registration or an unregistration that was broken off may have left.
            if (Directory.Exists(context.Home.Path))
            {
                using var alone = context.Home.Lock();
                context.Home.Forget();
            }

            Tell(context, null, $"Not registered (home {context.Home.Path}): there is nothing to end.");
            return ExitCodes.Done;
        }

        using var guard = context.Home.Lock();
        using var session = MachineSession.Open(context);
        var (name, vault) = (session.MachineName, session.Machine.VaultName);
        if (!sure && context.CanAsk && !await AskAsync(context, name, vault, cancellation))
        {
            throw AgentException.Failed("Nothing was changed.", "declined");
        }

        await EndAsync(context, session, cancellation);
        context.Home.Forget();
        Tell(
            context,
            session,
            $"'{name}' is no protected machine of the vault '{vault}' any more. Its keys are removed from {context.Home.Path}; its recovery points stay.\n"
            + "Read them with vault credentials and the passphrase: "
            + $"'backup-agent restore latest --target DIR --machine {name} --credentials FILE --passphrase-file FILE'.");
        return ExitCodes.Done;
    }

    private static Task<bool> AskAsync(CommandContext context, string name, string vault, CancellationToken cancellation)
    {
        context.Prompts.Say(
            $"This ends the identity of '{name}' with the vault '{vault}' and removes its keys from this machine. "
            + "Without the passphrase its recovery points can never be read again.");
        return context.Prompts.ConfirmAsync("Unregister?", usual: false, cancellation);
    }

    /// <remarks>A platform that does not know the machine (any more) is no reason to remove the only copy of its keys.</remarks>
    private static async Task EndAsync(CommandContext context, MachineSession session, CancellationToken cancellation)
    {
        try
        {
            await session.Registration.UnregisterAsync(session.MachineId, cancellation);
        }
        catch (AgentException e) when (e.Code == ProblemCodes.Unauthenticated)
        {
            throw new AgentException(
                e.ExitStatus,
                e.Code,
                $"{e.Message} Nothing was removed. If this machine has been deregistered or replaced, remove its keys by removing {context.Home.Path}.",
                e);
        }
    }

    private static void Tell(CommandContext context, MachineSession? session, string text) => context.Report.Result(
        "summary",
        writer =>
        {
            writer.WriteBoolean("unregistered", session is not null);
            if (session is not null)
            {
                writer.WriteString("machineId", session.MachineId);
                writer.WriteString("name", session.MachineName);
                writer.WriteString("vaultId", session.Machine.VaultId);
                writer.WriteString("vault", session.Machine.VaultName);
            }
        },
        text);
}
