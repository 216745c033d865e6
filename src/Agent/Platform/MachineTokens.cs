using System.Text;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Platform;

/// <summary>
/// The machine's short-lived token: fetched with its identity key when first needed, renewed a minute before it ends and
/// whenever the platform refuses it. Brings the services' newest addresses along.
/// </summary>
/// <param name="sign">Ed25519 with the machine's identity key.</param>
/// <param name="onEndpoints">Told of the addresses that came with a token.</param>
internal sealed class MachineTokens(Guid machineId, Func<byte[], byte[]> sign, TimeProvider time, Action<AgentEndpoints> onEndpoints)
    : IDisposable
{
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _one = new(1);
    private MachineToken? _token;

    public async Task<string> GetAsync(PlatformClient client, CancellationToken cancellation)
    {
        if (Valid() is { } token)
        {
            return token;
        }

        await _one.WaitAsync(cancellation);
        try
        {
            return Valid() ?? await RenewAsync(client, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Forgets a token that was refused, unless it was renewed meanwhile.</summary>
    public void Forget(string? refused)
    {
        if (_token?.Token == refused)
        {
            _token = null;
        }
    }

    public void Dispose() => _one.Dispose();

    private string? Valid() =>
        _token is { } token && time.GetUtcNow() < token.ExpiresAt - s_renewBefore ? token.Token : null;

    private async Task<string> RenewAsync(PlatformClient client, CancellationToken cancellation)
    {
        var challenge = await client.SendAsync(
            new PlatformRequest(Service.Registration, HttpMethod.Post, $"api/machines/{machineId:D}/token-challenges") { Anonymous = true },
            ContractsJson.Default.TokenChallenge,
            cancellation);
        var signature = sign(Encoding.UTF8.GetBytes(MachineTokenChallenge.Message(machineId, challenge.Nonce)));
        var request = new PlatformRequest(
            Service.Registration,
            HttpMethod.Post,
            $"api/machines/{machineId:D}/tokens",
            PlatformClient.Body(new RequestToken(challenge.Nonce, signature), ContractsJson.Default.RequestToken)) { Anonymous = true };
        var token = await client.SendAsync(request, ContractsJson.Default.MachineToken, cancellation);
        onEndpoints(client.Endpoints.Update(token.Endpoints));
        _token = token;
        return token.Token;
    }
}
