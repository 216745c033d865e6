using System.Net.Http.Json;
using System.Text;
using BackupPlatform.Contracts.Registration;
using NSec.Cryptography;

namespace BackupPlatform.Registration.Tests;

/// <summary>What an agent has and does to register and be given tokens.</summary>
public sealed class TestMachine
{
    private readonly Key identity = Key.Create(SignatureAlgorithm.Ed25519);
    private readonly Key recovery = Key.Create(SignatureAlgorithm.Ed25519);

    public Guid Id { get; init; } = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

    /// <summary>What it sends to register.</summary>
    public RegisterMachine Request(string credentials, string name = "workstation") => new(
        credentials,
        Id,
        name,
        identity.PublicKey.Export(KeyBlobFormat.RawPublicKey),
        recovery.PublicKey.Export(KeyBlobFormat.RawPublicKey),
        KeyHeader,
        "Europe/Berlin");

    /// <summary>What it sends to read its recovery points from elsewhere.</summary>
    public RequestRecoveryToken RecoverWith(string credentials, string nonce, string? previous = null) =>
        new(credentials, nonce, Prove(RecoveryProofs.Token(Id, nonce)), previous);

    /// <summary>What another installation, which knows the passphrase, sends to take the machine over.</summary>
    public ReplaceMachine ReplaceBy(TestMachine other, string credentials, string nonce) => new(
        credentials, nonce, Prove(RecoveryProofs.Replacement(Id, nonce, other.IdentityPublicKey)), other.IdentityPublicKey, "Asia/Tokyo");

    /// <summary>What it sends to change its passphrase.</summary>
    public ChangeKeyHeader Rewrap(int revision, byte[] keyHeader) =>
        new(revision, keyHeader, Prove(RecoveryProofs.KeyHeader(Id, revision, keyHeader)));

    public byte[] IdentityPublicKey => identity.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    /// <summary>Signs with the recovery key, as only who unwrapped the master key can.</summary>
    public byte[] Prove(string text) => SignatureAlgorithm.Ed25519.Sign(recovery, Encoding.UTF8.GetBytes(text));

    /// <summary>The nonce of a recovery challenge.</summary>
    public async Task<string> ChallengeRecoveryAsync(HttpClient client, string credentials) =>
        (await RegistrationFixture.AnswerAsync<RecoveryChallenge>(
            await client.PostAsJsonAsync("/api/recovery-challenges", new OpenRecovery(credentials, Id.ToString())))).Nonce;

    public Task<HttpResponseMessage> RequestRecoveryAsync(HttpClient client, RequestRecoveryToken request) =>
        client.PostAsJsonAsync($"/api/machines/{Id}/recovery-tokens", request);

    public Task<HttpResponseMessage> ReplaceAsync(HttpClient client, ReplaceMachine request) =>
        client.PutAsJsonAsync($"/api/machines/{Id}/identity", request);

    /// <summary>The whole way to a recovery token.</summary>
    public async Task<MachineToken> RecoveryTokenAsync(HttpClient client, string credentials) =>
        await RegistrationFixture.AnswerAsync<MachineToken>(
            await RequestRecoveryAsync(client, RecoverWith(credentials, await ChallengeRecoveryAsync(client, credentials))));

    public byte[] KeyHeader { get; } = "a wrapped master key"u8.ToArray();

    public Task<HttpResponseMessage> RegisterAsync(HttpClient client, string credentials, string name = "workstation") =>
        client.PostAsJsonAsync("/api/machines", Request(credentials, name));

    /// <summary>Signs a nonce as this machine, or as if it were another.</summary>
    public RequestToken Sign(string nonce, Guid? machineId = null) => new(
        nonce, SignatureAlgorithm.Ed25519.Sign(identity, Encoding.UTF8.GetBytes(MachineTokenChallenge.Message(machineId ?? Id, nonce))));

    public async Task<string> ChallengeAsync(HttpClient client) => (await RegistrationFixture.AnswerAsync<TokenChallenge>(
        await client.PostAsync($"/api/machines/{Id}/token-challenges", null))).Nonce;

    public Task<HttpResponseMessage> RequestAsync(HttpClient client, RequestToken request) =>
        client.PostAsJsonAsync($"/api/machines/{Id}/tokens", request);

    /// <summary>The whole way to a token.</summary>
    public async Task<MachineToken> TokenAsync(HttpClient client) => await RegistrationFixture.AnswerAsync<MachineToken>(
        await RequestAsync(client, Sign(await ChallengeAsync(client))));
}
