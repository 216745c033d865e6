using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Platform;

/// <summary>
/// A short-lived token: fetched when first needed, renewed a minute before it ends and whenever the platform refuses it.
/// Brings the services' newest addresses along.
/// </summary>
/// <param name="request">Asks for a token; is given the last one that the platform gave, or null.</param>
/// <param name="onEndpoints">Told of the addresses that came with a token.</param>
internal sealed class AccessTokens(
    Func<string?, CancellationToken, Task<MachineToken>> request, TimeProvider time, Action<AgentEndpoints> onEndpoints) : IDisposable
{
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _one = new(1);
    private MachineToken? _token;
    private string? _last;

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
        var token = await request(_last, cancellation);
        onEndpoints(client.Endpoints.Update(token.Endpoints));
        (_token, _last) = (token, token.Token);
        return token.Token;
    }
}
