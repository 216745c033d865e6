using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Registration;

/// <summary>
/// Takes a machine over: with credentials and its passphrase this home becomes it, and the identity it had ends. The new
/// identity is in the home before the platform hears of it; asked again after a crash, it is the same take-over.
/// </summary>
internal static class Replacement
{
    public static async Task<int> RunAsync(
        CommandContext context, ShownCredentials credentials, string name, string? passphraseFile, CancellationToken cancellation)
    {
        var passphrase = passphraseFile is not null
            ? PassphraseFiles.Read(passphraseFile)
            : await context.Prompts.PassphraseAsync($"Passphrase of {name}:", cancellation);
        using var client = credentials.Connect(context.Retry);
        using var recovered = await RecoveredKeys.OpenAsync(client, credentials, name, passphrase, cancellation);
        var pending = Pend(context.Home, recovered.Challenge.MachineId);
        using var identity = MachineIdentity.Import(pending.IdentityKey);
        var document = await recovered.ReplaceAsync(
            new RegistrationCalls(client), identity.PublicKey, Registrar.TimeZoneOf(context), cancellation);
        var machine = Registrar.Describe(
            context, document, new Registrar.Keys(pending.IdentityKey, recovered.MasterKey, recovered.Challenge.KeyHeader));
        context.Home.Endpoints = document.Endpoints;
        await LearnHeadsAsync(context, machine, cancellation);
        context.Home.Machine = machine;
        context.Home.Pending = null;
        context.Home.PendingReplacement = null;
        Registrar.Tell(
            context.Report,
            machine,
            $"This machine is '{machine.Name}' of the vault '{machine.VaultName}' from now on; the identity it had elsewhere has ended. "
            + "Its recovery points can be restored here, and backups go on where it left off.");
        return ExitCodes.Done;
    }

    private static PendingReplacement Pend(AgentHome home, Guid machineId)
    {
        if (home.PendingReplacement is { } begun && begun.MachineId == machineId)
        {
            return begun;
        }

        using var identity = MachineIdentity.Generate();
        return home.PendingReplacement = new PendingReplacement(machineId, identity.Export());
    }

    /// <summary>From the newest points there are now: what the platform shows later must follow from them.</summary>
    private static async Task LearnHeadsAsync(CommandContext context, Machine machine, CancellationToken cancellation)
    {
        using var session = MachineSession.Open(context, machine);
        var known = new HashSet<string>();
        await foreach (var point in session.Ingest.ListPointsAsync(machine.Id, null, cancellation))
        {
            if (point.State != RecoveryPointState.Sealed || !known.Add(point.Item))
            {
                continue;
            }

            var sealedManifest = await session.Ingest.GetManifestAsync(point.Id, cancellation);
            Manifest.Open(session.Keys, point.Item, point.Sequence, sealedManifest);
            session.Heads.Remember(point.Item, point.Sequence, Manifest.Hash(sealedManifest));
        }
    }
}
