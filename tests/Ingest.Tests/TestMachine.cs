using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Formats;
using BackupPlatform.ServiceDefaults.Identity;

namespace BackupPlatform.Ingest.Tests;

/// <summary>A protected machine that speaks to the service as its agent would, with chunks of random bytes.</summary>
public sealed class TestMachine
{
    private readonly IngestHost host;
    private readonly HttpClient client;

    private TestMachine(IngestHost host, Guid subscriptionId, Guid vaultId)
    {
        this.host = host;
        (SubscriptionId, VaultId) = (subscriptionId, vaultId);
        client = host.CreateClient();
    }

    public Guid Id { get; } = Guid.CreateVersion7();

    public Guid SubscriptionId { get; }

    public Guid VaultId { get; }

    public static async Task<TestMachine> RegisterAsync(IngestHost host, string zone = "Europe/Berlin")
    {
        var machine = Unheard(host);
        await host.PublishAsync(new VaultCreated(
            machine.VaultId, 1, host.Clock.GetUtcNow(), machine.SubscriptionId, "vault", Redundancy.LRS));
        await host.PublishAsync(machine.Registered(zone));
        // On a busy machine the news may take longer than a request waits.
        foreach (var path in (string[])[$"/api/machines/{machine.Id:D}/jobs", $"/api/vaults/{machine.VaultId:D}/jobs"])
        {
            await IngestHost.EventuallyAsync(async () =>
            {
                using var answer = await machine.SendAsync(HttpMethod.Get, path, token: machine.OperatorToken);
                return answer.IsSuccessStatusCode ? "heard" : null;
            });
        }

        return machine;
    }

    /// <summary>A machine with a valid token that the service has not heard of.</summary>
    public static TestMachine Unheard(IngestHost host) => new(host, Guid.CreateVersion7(), Guid.CreateVersion7());

    public MachineRegistered Registered(string zone) =>
        new(Id, 1, host.Clock.GetUtcNow(), SubscriptionId, VaultId, "machine", zone);

    public static byte[] Sealed(int length) => RandomNumberGenerator.GetBytes(length);

    public static TestChunk Chunk(int length = 1000) => new(new ChunkId(RandomNumberGenerator.GetBytes(32)), Sealed(length));

    public static TestChunk[] Chunks(int count, int length = 1000) => [.. Enumerable.Range(0, count).Select(_ => Chunk(length))];

    public static byte[] Segment(params TestChunk[] chunks)
    {
        var writer = new SegmentWriter();
        foreach (var chunk in chunks)
        {
            Assert.True(writer.TryAppend(chunk.Id, chunk.Sealed));
        }

        return writer.Written.ToArray();
    }

    public static byte[] Ids(params IEnumerable<ChunkId> ids) => [.. ids.SelectMany(id => id.ToByteArray())];

    public string MachineToken => host.Registration.Sign(
        TokenKinds.ApiAudience,
        new Dictionary<string, object>
        {
            [TokenKinds.Machine] = Id.ToString("D"),
            [TokenKinds.Vault] = VaultId.ToString("D"),
            [TokenKinds.Subscription] = SubscriptionId.ToString("D"),
        },
        host.Clock.GetUtcNow().AddMinutes(15));

    public string OperatorToken => host.Vault.Sign(
        TokenKinds.ApiAudience, new Dictionary<string, object> { [TokenKinds.Subscription] = SubscriptionId.ToString("D") }, expires: null);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, byte[]? body = null, string? mediaType = null, string? token = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? MachineToken);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = mediaType is null ? null : new MediaTypeHeaderValue(mediaType);
        }

        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<T> GetAsync<T>(string path, string? token = null)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, token: token);
        return await ReadAsync<T>(answer, HttpStatusCode.OK);
    }

    public Task<HttpResponseMessage> TryOpenAsync(string item = "files") => SendAsync(
        HttpMethod.Post, "/api/backup-jobs", [.. "{\"item\":\""u8, .. System.Text.Encoding.UTF8.GetBytes(item), .. "\"}"u8], "application/json");

    public async Task<BackupJobDocument> OpenAsync(string item = "files")
    {
        using var answer = await TryOpenAsync(item);
        return await ReadAsync<BackupJobDocument>(answer, HttpStatusCode.Created);
    }

    public Task<HttpResponseMessage> TryPutAsync(Guid jobId, int segment, byte[] body) =>
        SendAsync(HttpMethod.Put, $"/api/backup-jobs/{jobId:D}/segments/{segment}", body, ChunkIdLists.FramesMediaType);

    public async Task<SegmentReceipt> PutAsync(Guid jobId, int segment, params TestChunk[] chunks)
    {
        using var answer = await TryPutAsync(jobId, segment, Segment(chunks));
        return await ReadAsync<SegmentReceipt>(answer, HttpStatusCode.OK);
    }

    /// <returns>The bitmap's bits, one for each id: missing.</returns>
    public async Task<bool[]> MissingAsync(string path, params ChunkId[] ids)
    {
        using var answer = await SendAsync(HttpMethod.Post, path + "/chunks/missing", Ids(ids), ChunkIdLists.MediaType);
        var bitmap = await ReadBytesAsync(answer, HttpStatusCode.OK);
        Assert.Equal((ids.Length + 7) / 8, bitmap.Length);
        return [.. ids.Select((_, i) => (bitmap[i / 8] >> (i % 8) & 1) == 1)];
    }

    public static async Task<byte[]> DeltaAsync(
        BackupJobDocument job, ChunkId[] added, ChunkId[]? dropped = null, Func<SealDeltaHeader, SealDeltaHeader>? alter = null)
    {
        var hash = job.BasePoint is null ? default : new ChunkSetHash(job.BasePoint.ChunkSetHash);
        foreach (var id in added)
        {
            hash.Add(id);
        }

        foreach (var id in dropped ?? [])
        {
            hash.Remove(id);
        }

        var header = new SealDeltaHeader(
            job.BasePoint?.Sequence ?? 0, job.NextSequence,
            (job.BasePoint?.ChunkCount ?? 0) + added.Length - (dropped?.Length ?? 0), hash, Sealed(500));
        using var bytes = new MemoryStream();
        var writer = await SealDeltaWriter.CreateAsync(bytes, alter?.Invoke(header) ?? header);
        foreach (var id in added.Order())
        {
            await writer.AddAsync(id);
        }

        foreach (var id in (dropped ?? []).Order())
        {
            await writer.DropAsync(id);
        }

        await writer.CompleteAsync();
        return bytes.ToArray();
    }

    public Task<HttpResponseMessage> TrySealAsync(Guid jobId, byte[] delta) =>
        SendAsync(HttpMethod.Post, $"/api/backup-jobs/{jobId:D}/seal", delta, ChunkIdLists.SealMediaType);

    public async Task<RecoveryPointDocument> SealAsync(BackupJobDocument job, ChunkId[] added, ChunkId[]? dropped = null)
    {
        using var answer = await TrySealAsync(job.Id, await DeltaAsync(job, added, dropped));
        return await ReadAsync<RecoveryPointDocument>(answer, HttpStatusCode.Created);
    }

    /// <summary>A whole backup of these chunks on top of the item's newest point.</summary>
    public async Task<RecoveryPointDocument> BackUpAsync(TestChunk[] added, ChunkId[]? dropped = null, string item = "files")
    {
        var job = await OpenAsync(item);
        if (added.Length > 0)
        {
            await PutAsync(job.Id, 1, added);
        }

        return await SealAsync(job, [.. added.Select(chunk => chunk.Id)], dropped);
    }

    public async Task<List<(ChunkId Id, byte[] Sealed)>> ReadChunksAsync(Guid pointId, params ChunkId[] ids)
    {
        using var answer = await SendAsync(
            HttpMethod.Post, $"/api/recovery-points/{pointId:D}/chunks", Ids(ids), ChunkIdLists.MediaType);
        var reader = new FrameReader(new MemoryStream(await ReadBytesAsync(answer, HttpStatusCode.OK)));
        var frames = new List<(ChunkId, byte[])>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            frames.Add((reader.Current.Id, reader.Payload.ToArray()));
        }

        return frames;
    }

    public static async Task<string> RefusedAsync(Task<HttpResponseMessage> request, string code)
    {
        using var answer = await request;
        var problem = await answer.Content.ReadFromJsonAsync(
            ContractsJson.Default.ProblemDocument, TestContext.Current.CancellationToken);
        Assert.Equal(code, problem!.Code);
        Assert.False(answer.IsSuccessStatusCode);
        return problem.Detail!;
    }

    public static async Task<T> ReadAsync<T>(HttpResponseMessage answer, HttpStatusCode expected)
    {
        var bytes = await ReadBytesAsync(answer, expected);
        return (T)System.Text.Json.JsonSerializer.Deserialize(bytes, ContractsJson.Default.GetTypeInfo(typeof(T))!)!;
    }

    public static async Task<byte[]> ReadBytesAsync(HttpResponseMessage answer, HttpStatusCode expected)
    {
        var bytes = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == expected, $"{answer.StatusCode}: {System.Text.Encoding.UTF8.GetString(bytes)}");
        return bytes;
    }
}

public sealed record TestChunk(ChunkId Id, byte[] Sealed);
