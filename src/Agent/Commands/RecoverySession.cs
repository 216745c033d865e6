using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Home;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Agent.Registration;

namespace BackupPlatform.Agent.Commands;

/// <summary>
/// A machine's recovery points, read with vault credentials and its passphrase, on this machine or any other. Needs no home and
/// writes to none.
/// </summary>
internal sealed class RecoverySession : ReadingSession
{
    private readonly RecoveredKeys _keys;
    private readonly Dictionary<string, PageMemory> _pages = [];

    private RecoverySession(RecoveredKeys keys, PlatformClient client)
        : base(keys.Challenge.MachineId, keys.Challenge.MachineName, keys.Ring, client) => _keys = keys;

    public override HeadMemory? Heads => null;

    public static async Task<RecoverySession> OpenAsync(
        CommandContext context, ShownCredentials credentials, string machine, string passphrase, CancellationToken cancellation)
    {
        var client = credentials.Connect(context.Retry);
        try
        {
            var keys = await RecoveredKeys.OpenAsync(client, credentials, machine, passphrase, cancellation);
            var calls = new RegistrationCalls(client);
            client.Tokens = new AccessTokens((last, stop) => keys.RequestTokenAsync(calls, last, stop), context.Time, _ => { });

            // Now, for the token brings the services' addresses.
            await client.Tokens.GetAsync(client, cancellation);
            return new RecoverySession(keys, client);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public override IPageCache Cache(string item)
    {
        if (!_pages.TryGetValue(item, out var pages))
        {
            _pages.Add(item, pages = new PageMemory());
        }

        return pages;
    }

    public override void Dispose()
    {
        base.Dispose();
        _keys.Dispose();
    }
}
