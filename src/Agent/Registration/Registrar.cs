using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Engine;
using Spectre.Console;

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

        var (credentialsFile, name, pending) = Prepare(context, options);
        var (text, credentials) = ReadCredentials(credentialsFile);
        var document = await RegisterAsync(context, credentials, text, name, pending, cancellation);
        var machine = Keep(context, document, pending);
        context.Report.Result(
            "summary",
            writer =>
            {
                writer.WriteString("machineId", machine.Id);
                writer.WriteString("name", machine.Name);
                writer.WriteString("vaultId", machine.VaultId);
                writer.WriteString("vault", machine.VaultName);
            },
            $"Registered '{machine.Name}' with the vault '{machine.VaultName}'. Back up with 'backup-agent backup PATH'.");
        return ExitCodes.Done;
    }

    private static (string Credentials, string Name, PendingRegistration Pending) Prepare(CommandContext context, RegisterOptions options)
    {
        if (options.IsWizard && context.Host.Interactive && !context.Report.Json)
        {
            var (file, chosen, passphrase) = new Wizard(AnsiConsole.Console).Ask();
            ReadCredentials(file);
            return (file, options.Name ?? chosen, Pend(context, passphrase));
        }

        options.Check();

        // A wrong file is better told before a passphrase is made.
        ReadCredentials(options.Credentials!);
        var pending = options.GeneratePassphrase
            ? PendGenerated(context, options.PassphraseOut!)
            : Pend(context, PassphraseFiles.Read(options.PassphraseFile!));
        return (options.Credentials!, options.Name ?? Environment.MachineName, pending);
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

    private static (string Text, VaultCredentialsFile Credentials) ReadCredentials(string file)
    {
        string text;
        try
        {
            if (new FileInfo(file).Length > 4 * VaultCredentialsFile.MaxLength)
            {
                throw new IOException("it is too long");
            }

            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw AgentException.Usage($"The vault credentials file {file} cannot be read: {e.Message}");
        }

        return VaultCredentialsFile.TryParse(text, out var reason) is { } credentials
            ? (text, credentials)
            : throw new AgentException(
                ExitCodes.Refused,
                ProblemCodes.CredentialsInvalid,
                $"{file} is no vault credentials file: {reason}. Ask the vault's operator for a fresh one.");
    }

    private static async Task<RegisteredMachineDocument> RegisterAsync(
        CommandContext context,
        VaultCredentialsFile credentials,
        string text,
        string name,
        PendingRegistration pending,
        CancellationToken cancellation)
    {
        using var identity = MachineIdentity.Import(pending.IdentityKey);
        using var masterKey = MasterKey.Import(pending.MasterKey);
        using var keys = new KeyRing(masterKey, pending.MachineId);
        using var client = new PlatformClient(
            new Endpoints(new AgentEndpoints([credentials.RegistrationEndpoint], [], [])), context.Retry);
        var request = new RegisterMachine(
            text, pending.MachineId, name, identity.PublicKey, keys.RecoveryPublicKey, pending.KeyHeader, TimeZoneOf(context));
        return await client.SendAsync(
            new PlatformRequest(
                Service.Registration, HttpMethod.Post, "api/machines", PlatformClient.Body(request, ContractsJson.Default.RegisterMachine))
            {
                Anonymous = true,
            },
            ContractsJson.Default.RegisteredMachineDocument,
            cancellation);
    }

    /// <summary>Endpoints first: a machine that is registered always knows where the platform is.</summary>
    private static Machine Keep(CommandContext context, RegisteredMachineDocument document, PendingRegistration pending)
    {
        var machine = new Machine(
            document.Id,
            document.Name,
            document.VaultId,
            document.VaultName,
            document.SubscriptionId,
            context.Time.GetUtcNow(),
            pending.IdentityKey,
            pending.MasterKey,
            pending.KeyHeader);
        context.Home.Endpoints = document.Endpoints;
        context.Home.Machine = machine;
        context.Home.Pending = null;
        return machine;
    }

    /// <summary>The machine's zone by its IANA name, as its days count for the limits and for retention.</summary>
    private static string TimeZoneOf(CommandContext context)
    {
        var zone = context.Host.Environment("TZ") is { Length: > 0 } named && TimeZoneInfo.TryFindSystemTimeZoneById(named, out var found)
            ? found
            : TimeZoneInfo.Local;
        return zone.HasIanaId && zone.Id != "Local" ? zone.Id : "Etc/UTC";
    }
}
