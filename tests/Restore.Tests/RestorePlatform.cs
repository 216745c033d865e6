using System.Net.Http.Headers;
using System.Security.Cryptography;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Formats;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Storage;
using BackupPlatform.Testing;
using BackupPlatform.Testing.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace BackupPlatform.Restore.Tests;

/// <summary>The restore service itself; a test plays its neighbours: it signs tokens, speaks on the bus and writes packs and plans.</summary>
public sealed class RestorePlatform(Servers servers) : IAsyncLifetime
{
    private readonly TempFolder folder = new("restore");
    private readonly TokenSigner registration = new(TokenKinds.RegistrationIssuer, ECDsa.Create(ECCurve.NamedCurves.nistP256), TimeProvider.System);
    private readonly TokenSigner vaults = new(TokenKinds.VaultIssuer, ECDsa.Create(ECCurve.NamedCurves.nistP256), TimeProvider.System);
    private readonly List<WebApplication> issuers = [];

    public ServiceHost<Program> Service { get; private set; } = null!;

    public BusEar Bus { get; private set; } = null!;

    public IBlobStore Blobs { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Blobs = new FileBlobStore(folder.Combine("blobs"));
        Bus = await BusEar.StartAsync(servers.Rabbit.Uri, (endpoint, ear) =>
        {
            ear.Hear<RestoreRequested>(endpoint);
            ear.Hear<RestoreReady>(endpoint);
            ear.Hear<RestoreCompleted>(endpoint);
            ear.Hear<RestoreFailed>(endpoint);
        });
        Service = new ServiceHost<Program>(servers, "restoredb", new Dictionary<string, string>
        {
            ["ConnectionStrings:blobs"] = new Uri(folder.Combine("blobs")).AbsoluteUri,
            ["services:registration:http:0"] = await PublishKeysAsync(registration),
            ["services:vault:http:0"] = await PublishKeysAsync(vaults),
        });
        Service.StartServer();
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await Bus.DisposeAsync();
        foreach (var issuer in issuers)
        {
            await issuer.DisposeAsync();
        }

        folder.Dispose();
    }

    public HttpClient As(TestMachine machine) => Client(registration.Sign(
        TokenKinds.ApiAudience,
        new Dictionary<string, object>
        {
            [TokenKinds.Machine] = machine.Id.ToString("D"),
            [TokenKinds.Vault] = machine.VaultId.ToString("D"),
            [TokenKinds.Subscription] = machine.SubscriptionId.ToString("D"),
        },
        DateTimeOffset.UtcNow.AddYears(1)));

    /// <summary>Someone who showed credentials and proved the machine's passphrase.</summary>
    /// <param name="expire">When the credentials expire, from now.</param>
    public HttpClient AsRecoveryOf(TestMachine machine, Guid credentials, TimeSpan expire) => Client(registration.Sign(
        TokenKinds.ApiAudience,
        new Dictionary<string, object>
        {
            [TokenKinds.Machine] = machine.Id.ToString("D"),
            [TokenKinds.Vault] = machine.VaultId.ToString("D"),
            [TokenKinds.Subscription] = machine.SubscriptionId.ToString("D"),
            [TokenKinds.Recovery] = credentials.ToString("D"),
            [TokenKinds.Session] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            [TokenKinds.CredentialsExpire] = (DateTimeOffset.UtcNow + expire).ToUnixTimeSeconds(),
        },
        DateTimeOffset.UtcNow.AddYears(1)));

    public HttpClient AsOperatorOf(Guid subscriptionId) => Client(vaults.Sign(
        TokenKinds.ApiAudience, new Dictionary<string, object> { [TokenKinds.Subscription] = subscriptionId.ToString("D") }, expires: null));

    /// <summary>A machine that registered, with a recovery point.</summary>
    public async Task<TestMachine> NewMachineAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var machine = new TestMachine(Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await Bus.PublishAsync(new VaultCreated(machine.VaultId, 1, now, machine.SubscriptionId, "vault", Redundancy.LRS));
        await Bus.PublishAsync(new MachineRegistered(machine.Id, 1, now, machine.SubscriptionId, machine.VaultId, "machine", "Europe/Berlin"));
        await Bus.PublishAsync(machine.PointCreated());
        await Bus.PublishAsync(machine.PointCreated());
        return machine;
    }

    /// <summary>What ingest does: packs, and a plan that names all frames of theirs; the frames are returned as one run of bytes.</summary>
    public async Task<(byte[] Frames, RestorePlanHead Head)> PlanAsync(TestMachine machine, Guid jobId, Seed seed, params int[][] packs)
    {
        var run = new MemoryStream();
        var entries = new List<RestorePlanEntry>();
        var ids = packs.Select(_ => Guid.CreateVersion7()).ToArray();
        for (var i = 0; i < packs.Length; i++)
        {
            var pack = new MemoryStream();
            pack.Write(new byte[16]);
            foreach (var length in packs[i])
            {
                // A length below zero is a frame that nobody selected.
                var frame = seed.Bytes(Math.Abs(length), entries.Count + i);
                if (length > 0)
                {
                    entries.Add(new RestorePlanEntry(i, pack.Position, length));
                    run.Write(frame);
                }

                pack.Write(frame);
            }

            await Blobs.WriteAllAsync(PackBlob(machine, ids[i]), pack.ToArray(), TestContext.Current.CancellationToken);
        }

        var head = new RestorePlanHead(machine.VaultId, machine.Id, ids, entries.Count, run.Length);
        await using var upload = await Blobs.CreateAsync(PlanBlob(jobId), TestContext.Current.CancellationToken);
        var writer = await RestorePlanWriter.CreateAsync(head, upload.WriteAsync);
        foreach (var entry in entries)
        {
            await writer.AppendAsync(entry);
        }

        await writer.CompleteAsync();
        await upload.CommitAsync(TestContext.Current.CancellationToken);
        return (run.ToArray(), head);
    }

    public static string PlanBlob(Guid jobId) => RestorePlan.BlobName(jobId, attempt: jobId);

    public static string PackBlob(TestMachine machine, Guid pack) => $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/{pack:D}";

    private HttpClient Client(string token)
    {
        var client = Service.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private async Task<string> PublishKeysAsync(TokenSigner signer)
    {
        var app = WebApplication.CreateSlimBuilder().Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/.well-known/jwks.json", () => Results.Text(signer.PublicKeys, "application/json"));
        await app.StartAsync();
        issuers.Add(app);
        return app.Urls.Single();
    }
}

/// <summary>A machine with one recovery point.</summary>
public sealed record TestMachine(Guid Id, Guid VaultId, Guid SubscriptionId, Guid PointId)
{
    public RecoveryPointCreated PointCreated() =>
        new(Id, 1, DateTimeOffset.UtcNow, SubscriptionId, VaultId, Id, "files", PointId, 1, "Europe/Berlin", 1);

    public Contracts.Retention.RecoveryPointDeleted PointDeleted(long version) =>
        new(Id, version, DateTimeOffset.UtcNow, VaultId, Id, "files", PointId, DateTimeOffset.UtcNow.AddDays(14));

    public Contracts.Retention.RecoveryPointRestored PointRestored(long version) =>
        new(Id, version, DateTimeOffset.UtcNow, VaultId, Id, "files", PointId);

    public Contracts.Retention.RecoveryPointPurged PointPurged(long version) =>
        new(Id, version, DateTimeOffset.UtcNow, VaultId, Id, "files", PointId);

    public Contracts.Retention.RecoveryPointExpired PointExpired() => new(Id, 2, DateTimeOffset.UtcNow, VaultId, Id, "files", PointId);
}
