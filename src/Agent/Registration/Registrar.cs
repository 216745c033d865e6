using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Registration;

/// <summary>
/// Registers the machine. The keys are in the home, and the passphrase in its file, before the platform hears of the
/// machine; whatever happens between any two steps, the same command again makes the same registration.
/// </summary>
internal static class Registrar
{
    public static async Task<int> RunAsync(CommandContext context, RegisterOptions options, CancellationToken cancellation)
    {
        using var guard = context.Home.Lock();
        if (context.Home.Machine is { } already)
        {
            throw AgentException.Failed(
                $"This machine is registered already, as '{already.Name}' with the vault '{already.VaultName}' (home {context.Home.Path}). "
                + "Another home is another machine: --home DIR.",
                "already-registered");
        }

        if (options.IsWizard && context.CanAsk)
        {
            return await AskAsync(context, options, cancellation);
        }

        options.Check(context.CanAsk);

        // A wrong file is better told before a passphrase is made.
        var credentials = ShownCredentials.Read(options.Credentials!);
        if (options.Replace is { } replaced)
        {
            return await Replacement.RunAsync(context, credentials, replaced, options.PassphraseFile, cancellation);
        }

        var pending = options.GeneratePassphrase
            ? PendGenerated(context, options.PassphraseOut!)
            : Pend(context, PassphraseFiles.Read(options.PassphraseFile!));
        var machine = await RegisterAsync(context, credentials, options.Name ?? Environment.MachineName, pending, cancellation);
        Tell(context.Report, machine, $"Registered '{machine.Name}' with the vault '{machine.VaultName}'. Back up with 'backup-agent backup PATH'.");
        return ExitCodes.Done;
    }

    public static void Tell(Report report, Machine machine, string? text) => report.Result(
        "summary",
        writer =>
        {
            writer.WriteString("machineId", machine.Id);
            writer.WriteString("name", machine.Name);
            writer.WriteString("vaultId", machine.VaultId);
            writer.WriteString("vault", machine.VaultName);
        },
        text);

    private static async Task<int> AskAsync(CommandContext context, RegisterOptions options, CancellationToken cancellation)
    {
        var wizard = new Wizard(context.Prompts);
        var answers = await wizard.AskAsync(options.Name, cancellation);
        var pending = answers.PassphraseOut is { } file ? PendGenerated(context, file) : Pend(context, answers.Passphrase!);
        var machine = await RegisterAsync(context, ShownCredentials.Read(answers.Credentials), answers.Name, pending, cancellation);
        wizard.Tell(machine.Name, machine.VaultName, context.Home.Path, answers.PassphraseOut);
        return ExitCodes.Done;
    }

    /// <summary>The registration that was begun with this passphrase, or a new one, kept in the home.</summary>
    internal static PendingRegistration Pend(CommandContext context, string passphrase)
    {
        if (context.Home.Pending is { } begun && Opens(begun, passphrase))
        {
            return begun;
        }

        var machineId = Guid.CreateVersion7(context.Time.GetUtcNow());
        using var masterKey = MasterKey.Generate();
        using var identity = MachineIdentity.Generate();
        var header = KeyHeader.Create(masterKey, passphrase, machineId);
        var pending = new PendingRegistration(machineId, identity.Export(), masterKey.Bytes.ToArray(), header.ToArray());
        context.Home.Pending = pending;
        return pending;
    }

    /// <summary>
    /// First the registration, then the passphrase's file, and nothing is sent before both are there: so a file without a
    /// registration is somebody else's, and a registration without its file was never sent.
    /// </summary>
    internal static PendingRegistration PendGenerated(CommandContext context, string file)
    {
        if (PassphraseFiles.TryRead(file) is { } kept)
        {
            return context.Home.Pending is { } begun && Opens(begun, kept) ? begun : throw PassphraseFiles.Taken(file);
        }

        var passphrase = Passphrase.Generate();
        var pending = Pend(context, passphrase);
        PassphraseFiles.Write(file, passphrase);
        return pending;
    }

    private static bool Opens(PendingRegistration pending, string passphrase)
    {
        if (Passphrase.Validate(passphrase) is not null
            || !KeyHeader.Parse(pending.KeyHeader).TryUnwrap(passphrase, pending.MachineId, out var masterKey))
        {
            return false;
        }

        masterKey.Dispose();
        return true;
    }

    private static async Task<Machine> RegisterAsync(
        CommandContext context, ShownCredentials credentials, string name, PendingRegistration pending, CancellationToken cancellation)
    {
        using var identity = MachineIdentity.Import(pending.IdentityKey);
        using var masterKey = MasterKey.Import(pending.MasterKey);
        using var keys = new KeyRing(masterKey, pending.MachineId);
        using var client = credentials.Connect(context.Retry);
        var request = new RegisterMachine(
            credentials.Text, pending.MachineId, name, identity.PublicKey, keys.RecoveryPublicKey, pending.KeyHeader, TimeZoneOf(context));
        try
        {
            var document = await new RegistrationCalls(client).RegisterAsync(request, cancellation);
            return Keep(context, document, new Keys(pending.IdentityKey, pending.MasterKey, pending.KeyHeader));
        }
        catch (AgentException e) when (e.Code == ProblemCodes.MachineExists)
        {
            throw AgentException.Failed(
                $"The vault '{credentials.Fields.VaultName}' has a machine named '{name}' already. Choose another name with --name NAME; or, if this "
                + $"machine takes its place, take it over with 'backup-agent register --credentials FILE --replace {name} --passphrase-file FILE', "
                + "which needs its passphrase and ends its old identity.",
                ProblemCodes.MachineExists);
        }
    }

    /// <summary>Endpoints first: a machine that is registered always knows where the platform is.</summary>
    private static Machine Keep(CommandContext context, RegisteredMachineDocument document, Keys keys)
    {
        var machine = Describe(context, document, keys);
        context.Home.Endpoints = document.Endpoints;
        if (context.Home.Machine?.Id != machine.Id)
        {
            // Of another machine that was in this home once.
            context.Home.ForgetPoints();
        }

        context.Home.Machine = machine;
        context.Home.Pending = null;
        return machine;
    }

    public static Machine Describe(CommandContext context, RegisteredMachineDocument document, Keys keys) => new(
        document.Id,
        document.Name,
        document.VaultId,
        document.VaultName,
        document.SubscriptionId,
        context.Time.GetUtcNow(),
        keys.Identity,
        keys.Master,
        keys.Header);

    /// <summary>What a machine's home keeps of its keys.</summary>
    internal readonly record struct Keys(byte[] Identity, byte[] Master, byte[] Header);

    /// <summary>The machine's zone by its IANA name, as its days count for the limits and for retention.</summary>
    public static string TimeZoneOf(CommandContext context)
    {
        var zone = context.Host.Environment("TZ") is { Length: > 0 } named && TimeZoneInfo.TryFindSystemTimeZoneById(named, out var found)
            ? found
            : TimeZoneInfo.Local;
        return zone.HasIanaId && zone.Id != "Local" ? zone.Id : "Etc/UTC";
    }
}
