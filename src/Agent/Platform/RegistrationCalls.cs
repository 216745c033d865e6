using System.Net;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Platform;

/// <summary>The calls to the registration service.</summary>
internal sealed class RegistrationCalls(PlatformClient client)
{
    public Task<RegisteredMachineDocument> RegisterAsync(RegisterMachine request, CancellationToken cancellation) => client.SendAsync(
        Anonymous(HttpMethod.Post, "api/machines", request, ContractsJson.Default.RegisterMachine),
        ContractsJson.Default.RegisteredMachineDocument,
        cancellation);

    public Task<RegisteredMachineDocument> ReplaceAsync(Guid machineId, ReplaceMachine request, CancellationToken cancellation) =>
        client.SendAsync(
            Anonymous(HttpMethod.Put, $"api/machines/{machineId:D}/identity", request, ContractsJson.Default.ReplaceMachine),
            ContractsJson.Default.RegisteredMachineDocument,
            cancellation);

    /// <summary>A token of a machine that proves its identity.</summary>
    /// <param name="sign">Ed25519 with the identity key.</param>
    public async Task<MachineToken> RequestTokenAsync(Guid machineId, SignMessage sign, CancellationToken cancellation)
    {
        var nonce = await ChallengeAsync(machineId, cancellation);
        var signature = sign(Encoding.UTF8.GetBytes(MachineTokenChallenge.Message(machineId, nonce)));
        return await client.SendAsync(
            Anonymous(
                HttpMethod.Post, $"api/machines/{machineId:D}/tokens", new RequestToken(nonce, signature), ContractsJson.Default.RequestToken),
            ContractsJson.Default.MachineToken,
            cancellation);
    }

    public async Task<string> ChallengeAsync(Guid machineId, CancellationToken cancellation)
    {
        var challenge = await client.SendAsync(
            new PlatformRequest(Service.Registration, HttpMethod.Post, $"api/machines/{machineId:D}/token-challenges") { Anonymous = true },
            ContractsJson.Default.TokenChallenge,
            cancellation);
        return challenge.Nonce;
    }

    /// <summary>The wrapped master key of a machine, for whoever has credentials of its vault.</summary>
    public Task<RecoveryChallenge> OpenRecoveryAsync(OpenRecovery request, CancellationToken cancellation) => client.SendAsync(
        Anonymous(HttpMethod.Post, "api/recovery-challenges", request, ContractsJson.Default.OpenRecovery),
        ContractsJson.Default.RecoveryChallenge,
        cancellation);

    /// <summary>A token of somebody who proves to know the passphrase.</summary>
    public Task<MachineToken> RequestRecoveryTokenAsync(Guid machineId, RequestRecoveryToken request, CancellationToken cancellation) =>
        client.SendAsync(
            Anonymous(
                HttpMethod.Post, $"api/machines/{machineId:D}/recovery-tokens", request, ContractsJson.Default.RequestRecoveryToken),
            ContractsJson.Default.MachineToken,
            cancellation);

    public Task<KeyHeaderDocument> GetKeyHeaderAsync(Guid machineId, CancellationToken cancellation) => client.SendAsync(
        new PlatformRequest(Service.Registration, HttpMethod.Get, $"api/machines/{machineId:D}/key-header"),
        ContractsJson.Default.KeyHeaderDocument,
        cancellation);

    /// <summary>The header that counts now; null where another one came first.</summary>
    public Task<KeyHeaderDocument?> ChangeKeyHeaderAsync(Guid machineId, ChangeKeyHeader request, CancellationToken cancellation) =>
        client.SendAsync(
            new PlatformRequest(
                Service.Registration,
                HttpMethod.Put,
                $"api/machines/{machineId:D}/key-header",
                PlatformClient.Body(request, ContractsJson.Default.ChangeKeyHeader)) { Expected = HttpStatusCode.Conflict },
            async (response, stop) => response.StatusCode == HttpStatusCode.Conflict
                ? null
                : await PlatformClient.ReadAsync(response, ContractsJson.Default.KeyHeaderDocument, stop),
            cancellation);

    /// <summary>Ends the machine's identity.</summary>
    public Task UnregisterAsync(Guid machineId, CancellationToken cancellation) => client.SendAsync(
        new PlatformRequest(Service.Registration, HttpMethod.Post, $"api/machines/{machineId:D}/unregistration"),
        (_, _) => Task.FromResult(true),
        cancellation);

    private static PlatformRequest Anonymous<T>(HttpMethod method, string path, T document, JsonTypeInfo<T> type) =>
        new(Service.Registration, method, path, PlatformClient.Body(document, type)) { Anonymous = true };
}

/// <summary>Ed25519 over a message: 64 bytes.</summary>
internal delegate byte[] SignMessage(ReadOnlySpan<byte> message);
