using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Testing;
using NSec.Cryptography;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Who calls the API.</summary>
public enum CallerKind
{
    None,
    Garbage,
    Expired,
    OtherTenant,
    OtherMachine,
    Deregistered,
    OwnMachine,
    Recovery,
    Tenant,
    Platform,
}

/// <summary>Tokens of every kind of caller, as seen from one machine that has backed up and been restored.</summary>
internal sealed class Callers : IAsyncDisposable
{
    private readonly Dictionary<CallerKind, string?> tokens = [];
    private readonly List<IDisposable> parts = [];
    private readonly PlatformProcess platform;

    private Callers(PlatformProcess platform) => this.platform = platform;

    public ProtectedMachine Machine { get; private set; } = null!;

    /// <summary>What stands for <c>{name}</c> in a path: things of the machine and its tenant.</summary>
    public Dictionary<string, Guid> Ids { get; } = [];

    public static async Task<Callers> CreateAsync(PlatformProcess platform)
    {
        var callers = new Callers(platform);
        var machine = callers.Machine = callers.Keep(await ProtectedMachine.RegisterAsync(platform));
        Directory.CreateDirectory(machine.Source);
        File.WriteAllText(Path.Combine(machine.Source, "file"), "content");
        var point = (await machine.BackUpAsync()).GetProperty("recoveryPointId").GetGuid();
        var restore = await machine.Agent.RunAsync("restore", "latest", "--target", machine.NewFolder("restored"));
        callers.Ids["S"] = machine.Operator.SubscriptionId;
        callers.Ids["V"] = machine.VaultId;
        callers.Ids["M"] = Guid.Parse(machine.MachineId);
        callers.Ids["R"] = point;
        callers.Ids["X"] = restore.Expect().Summary.GetProperty("restoreJobId").GetGuid();
        callers.Ids["J"] = (await machine.Operator.GetAsync($"api/machines/{machine.MachineId}/jobs"))
            .GetProperty("items")[0].GetProperty("id").GetGuid();
        await callers.AddTokensAsync();
        return callers;
    }

    /// <param name="direct">The service to call; null: the portal.</param>
    public HttpClient Client(CallerKind kind, Uri? direct = null)
    {
        var client = new HttpClient { BaseAddress = direct ?? platform.Endpoints.Portal };
        client.DefaultRequestHeaders.Authorization = tokens[kind] is { } token ? new AuthenticationHeaderValue("Bearer", token) : null;
        return client;
    }

    public ValueTask DisposeAsync()
    {
        parts.ForEach(part => part.Dispose());
        return ValueTask.CompletedTask;
    }

    private async Task AddTokensAsync()
    {
        var folder = Keep(new TempFolder("callers"));
        var file = await Machine.Operator.DownloadCredentialsAsync(Machine.VaultId, folder);
        Ids["C"] = (await Machine.Operator.GetAsync($"api/vaults/{Machine.VaultId}/credentials")).GetProperty("items")[0].GetProperty("id").GetGuid();
        tokens[CallerKind.None] = null;
        tokens[CallerKind.Garbage] = "garbage";
        tokens[CallerKind.Platform] = platform.Endpoints.OperatorToken;
        tokens[CallerKind.Tenant] = Machine.Operator.Token;
        tokens[CallerKind.OtherTenant] = Keep(await Operator.CreateAsync(platform, "another")).Token;
        tokens[CallerKind.OtherMachine] = await TokenAsync(await HomeAsync(file, folder, "second"));
        var gone = await HomeAsync(file, folder, "third");
        tokens[CallerKind.Deregistered] = await TokenAsync(gone);
        Ids["D"] = gone.Id;
        await Machine.Operator.DeleteAsync($"api/machines/{gone.Id}");
        tokens[CallerKind.OwnMachine] = await TokenAsync(Identity(Machine.Agent.Home));
        tokens[CallerKind.Recovery] = await RecoveryTokenAsync(file);
        await platform.SetClockAsync("-PT1H");
        tokens[CallerKind.Expired] = await TokenAsync(Identity(Machine.Agent.Home));
        await platform.SetClockAsync("PT0S");
    }

    private async Task<(Guid Id, byte[] Key)> HomeAsync(string credentials, string folder, string name)
    {
        var agent = platform.Agent(Path.Combine(folder, name));
        (await agent.RunAsync(
            "register", "--credentials", credentials, "--name", name, "--generate-passphrase", "--passphrase-out", Path.Combine(folder, name + ".pass")))
            .Expect();
        return Identity(agent.Home);
    }

    /// <summary>What a thief of the home would take.</summary>
    private static (Guid Id, byte[] Key) Identity(string home)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(home, "machine.json")));
        return (document.RootElement.GetProperty("id").GetGuid(), document.RootElement.GetProperty("identityKey").GetBytesFromBase64());
    }

    private async Task<string> TokenAsync((Guid Id, byte[] Key) machine)
    {
        using var client = new HttpClient { BaseAddress = platform.Endpoints.Registration };
        using var challenged = await client.PostAsync(new Uri($"api/machines/{machine.Id}/token-challenges", UriKind.Relative), null);
        var challenge = (await challenged.Content.ReadFromJsonAsync(ContractsJson.Default.TokenChallenge))!;
        using var key = Key.Import(SignatureAlgorithm.Ed25519, machine.Key, KeyBlobFormat.RawPrivateKey);
        var signature = SignatureAlgorithm.Ed25519.Sign(
            key, System.Text.Encoding.UTF8.GetBytes(MachineTokenChallenge.Message(machine.Id, challenge.Nonce)));
        using var answer = await client.PostAsJsonAsync(
            $"api/machines/{machine.Id}/tokens", new RequestToken(challenge.Nonce, signature), ContractsJson.Default.RequestToken);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(ContractsJson.Default.MachineToken))!.Token;
    }

    private async Task<string> RecoveryTokenAsync(string credentials)
    {
        using var client = new HttpClient { BaseAddress = platform.Endpoints.Registration };
        var xml = await File.ReadAllTextAsync(credentials);
        using var challenged = await client.PostAsJsonAsync(
            "api/recovery-challenges", new OpenRecovery(xml, Machine.MachineId), ContractsJson.Default.OpenRecovery);
        var challenge = (await challenged.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(ContractsJson.Default.RecoveryChallenge))!;
        var passphrase = (await File.ReadAllTextAsync(Machine.PassphraseFile)).Trim();
        using var master = Engine.KeyHeader.Parse(challenge.KeyHeader).Unwrap(passphrase, challenge.MachineId);
        using var keys = new Engine.KeyRing(master, challenge.MachineId);
        var signature = keys.SignRecovery(System.Text.Encoding.UTF8.GetBytes(RecoveryProofs.Token(challenge.MachineId, challenge.Nonce)));
        using var answer = await client.PostAsJsonAsync(
            $"api/machines/{challenge.MachineId}/recovery-tokens", new RequestRecoveryToken(xml, challenge.Nonce, signature, null),
            ContractsJson.Default.RequestRecoveryToken);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(ContractsJson.Default.MachineToken))!.Token;
    }

    private T Keep<T>(T part) where T : IDisposable
    {
        parts.Add(part);
        return part;
    }
}
