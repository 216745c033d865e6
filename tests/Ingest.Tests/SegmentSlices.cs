using System.Net;
using System.Net.Sockets;
using System.Text;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Formats;
using BackupPlatform.Storage;
using BackupPlatform.Testing;

namespace BackupPlatform.Ingest.Tests;

public sealed class SegmentSlices(IngestHost host)
{
    [Fact]
    public async Task GivenASegment_WhenSentAgain_ThenTheFirstReceiptAnswersAndNothingIsStoredAgain()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var first = await machine.PutAsync(job.Id, 1, TestMachine.Chunks(3));

        var again = await machine.PutAsync(job.Id, 1, TestMachine.Chunks(7));

        Assert.Equal(first, again);
        Assert.Single(await PacksAsync(machine));
    }

    [Fact]
    public async Task GivenTheSameSegmentTenTimesAtOnce_WhenAllAreAnswered_ThenOnePackIsThere()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var body = TestMachine.Segment(TestMachine.Chunks(20, 20_000));

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => machine.TryPutAsync(job.Id, 1, body)));

        foreach (var answer in answers)
        {
            Assert.Equal(new SegmentReceipt(1, 20, body.Length), await TestMachine.ReadAsync<SegmentReceipt>(answer, HttpStatusCode.OK));
        }

        var pack = Assert.Single(await PacksAsync(machine));
        Assert.Equal(body.Length, pack.Length);
        Assert.Equal(1L, await host.ScalarAsync<long>(
            "select count(distinct pack_id) from bulk.chunk_index where machine_id = $1", machine.Id));
        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.packs where machine_id = $1 and state = 0", machine.Id));
    }

    [Fact]
    public async Task GivenOverlappingSegmentsAtOnce_WhenAllAreAnswered_ThenEachChunkHasOnePlace()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var chunks = TestMachine.Chunks(200, 50);

        await Task.WhenAll(Enumerable.Range(1, 8).Select(i =>
            machine.PutAsync(job.Id, i, [.. chunks.Skip(i * 10).Take(100).OrderBy(_ => Random.Shared.Next())])));

        Assert.Equal(170L, await host.ScalarAsync<long>("select count(*) from bulk.chunk_index where machine_id = $1", machine.Id));
        var point = await machine.SealAsync(job, [.. chunks.Skip(10).Take(170).Select(c => c.Id)]);
        var read = await machine.ReadChunksAsync(point.Id, [.. chunks.Skip(10).Take(170).Select(c => c.Id)]);
        Assert.Equal(chunks.Skip(10).Take(170).Select(c => c.Sealed), read.Select(frame => frame.Sealed));
    }

    [Fact]
    public async Task GivenMalformedBodies_WhenSent_ThenRefusedAndNothingIsLeft()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var chunks = TestMachine.Chunks(3);
        var good = TestMachine.Segment(chunks);
        var flipped = (byte[])good.Clone();
        flipped[^1] ^= 1;
        var lying = (byte[])good.Clone();
        lying[SegmentFormat.HeaderSize + ChunkId.Size + 3] = 0x7F;
        byte[][] bodies =
        [
            [], good[..10], good[..SegmentFormat.HeaderSize], good[..^1], [.. good, 1], flipped, lying, TestMachine.Sealed(500),
            [.. good[..SegmentFormat.HeaderSize], .. new byte[SegmentFormat.FrameHeaderSize]],
        ];

        foreach (var body in bodies)
        {
            await TestMachine.RefusedAsync(machine.TryPutAsync(job.Id, 1, body), ProblemCodes.Integrity);
        }

        Assert.Empty(await PacksAsync(machine));
        Assert.All(await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", [.. chunks.Select(c => c.Id)]), Assert.True);
        Assert.Equal(3, (await machine.PutAsync(job.Id, 1, chunks)).Chunks);
    }

    [Fact]
    public async Task GivenAFullSegmentAndOneByteMore_WhenSent_ThenTheFirstIsStoredAndTheSecondRefused()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var writer = new SegmentWriter();
        while (writer.Written.Length < SegmentFormat.MaxSegmentBytes - SegmentFormat.FrameHeaderSize - 2_000_000)
        {
            Assert.True(writer.TryAppend(TestMachine.Chunk().Id, TestMachine.Sealed(2_000_000)));
        }

        var rest = SegmentFormat.MaxSegmentBytes - writer.Written.Length - SegmentFormat.FrameHeaderSize;
        Assert.True(writer.TryAppend(TestMachine.Chunk().Id, TestMachine.Sealed(rest)));
        var full = writer.Written.ToArray();

        await TestMachine.RefusedAsync(machine.TryPutAsync(job.Id, 1, [.. full, 0]), ProblemCodes.Invalid);
        using var answer = await machine.TryPutAsync(job.Id, 1, full);

        Assert.Equal(32 * 1024 * 1024, (await TestMachine.ReadAsync<SegmentReceipt>(answer, HttpStatusCode.OK)).Bytes);
        await TestMachine.RefusedAsync(SendChunkedAsync(machine, job.Id, [.. full, 0]), ProblemCodes.Integrity);
        Assert.Single(await PacksAsync(machine));
    }

    [Fact]
    public async Task GivenAConnectionThatBreaks_WhenTheBodyIsCutOff_ThenNothingIsLeft()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var body = TestMachine.Segment(TestMachine.Chunks(10, 50_000));
        using (var socket = new TcpClient(host.Address.Host, host.Address.Port))
        {
            var head = $"PUT /api/backup-jobs/{job.Id:D}/segments/1 HTTP/1.1\r\nHost: {host.Address.Authority}\r\n"
                + $"Authorization: Bearer {machine.MachineToken}\r\nContent-Length: {body.Length}\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
            await socket.GetStream().WriteAsync(body.AsMemory(0, body.Length / 2), TestContext.Current.CancellationToken);
            await IngestHost.EventuallyAsync(async () => await PacksWithStateAsync(machine, 0) == 1 ? "begun" : null);
        }

        await IngestHost.EventuallyAsync(async () => await PacksWithStateAsync(machine, 2) == 1 ? "abandoned" : null);
        Assert.Empty(await PacksAsync(machine));
        using var answer = await machine.TryPutAsync(job.Id, 1, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData(StoreCalls.Create, FaultKind.FailBefore)]
    [InlineData(StoreCalls.Write, FaultKind.FailBefore)]
    [InlineData(StoreCalls.Commit, FaultKind.FailBefore)]
    [InlineData(StoreCalls.Commit, FaultKind.FailAfter)]
    public async Task GivenAStoreThatFails_WhenASegmentComes_ThenItIsNotAcknowledgedNorIndexed(StoreCalls call, FaultKind kind)
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var chunks = TestMachine.Chunks(3);
        host.Blobs.Add(new Fault(call, kind) { NameContains = machine.Id.ToString("D") });

        await TestMachine.RefusedAsync(machine.TryPutAsync(job.Id, 1, TestMachine.Segment(chunks)), ProblemCodes.Unavailable);

        Assert.All(await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", [.. chunks.Select(c => c.Id)]), Assert.True);
        Assert.Empty(await PacksAsync(machine));
        Assert.Equal(3, (await machine.PutAsync(job.Id, 1, chunks)).Chunks);
    }

    [Fact]
    public async Task GivenAJobThatIsCancelledWhileASegmentComes_WhenItsBlobIsDone_ThenItIsRefusedAndGone()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var gate = new TaskCompletionSource();
        host.Blobs.Add(new Fault(StoreCalls.Commit, FaultKind.Delay) { NameContains = machine.Id.ToString("D"), Gate = gate.Task });
        var putting = machine.TryPutAsync(job.Id, 1, TestMachine.Segment(TestMachine.Chunks(2)));
        await IngestHost.EventuallyAsync(async () => await PacksWithStateAsync(machine, 0) == 1 ? "begun" : null);

        using (await machine.SendAsync(HttpMethod.Delete, $"/api/backup-jobs/{job.Id:D}"))
        {
            gate.SetResult();
        }

        await TestMachine.RefusedAsync(putting, ProblemCodes.Conflict);
        Assert.Empty(await PacksAsync(machine));
        Assert.Equal(0L, await host.ScalarAsync<long>("select count(*) from bulk.chunk_index where machine_id = $1", machine.Id));
    }

    [Fact]
    public async Task GivenQuestionsAboutChunks_WhenMalformed_ThenRefused()
    {
        var machine = await TestMachine.RegisterAsync(host);
        var job = await machine.OpenAsync();
        var path = $"/api/backup-jobs/{job.Id:D}/chunks/missing";

        await TestMachine.RefusedAsync(machine.SendAsync(HttpMethod.Post, path, new byte[31]), ProblemCodes.Invalid);
        await TestMachine.RefusedAsync(machine.SendAsync(HttpMethod.Post, path, new byte[8193 * 32]), ProblemCodes.Invalid);
        Assert.Empty(await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}"));
        Assert.Equal(8192, (await machine.MissingAsync($"/api/backup-jobs/{job.Id:D}", [.. TestMachine.Chunks(8192, 1).Select(c => c.Id)])).Length);
    }

    private Task<long> PacksWithStateAsync(TestMachine machine, short state) => host.ScalarAsync<long>(
        "select count(*) from bulk.packs where machine_id = $1 and state = $2", machine.Id, state);

    private async Task<List<BlobItem>> PacksAsync(TestMachine machine)
    {
        var packs = new List<BlobItem>();
        await foreach (var pack in host.Blobs.ListAsync(
            $"vaults/{machine.VaultId:D}/machines/{machine.Id:D}/packs/", TestContext.Current.CancellationToken))
        {
            packs.Add(pack);
        }

        return packs;
    }

    private async Task<HttpResponseMessage> SendChunkedAsync(TestMachine machine, Guid jobId, byte[] body)
    {
        using var client = host.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/backup-jobs/{jobId:D}/segments/2");
        request.Headers.Authorization = new("Bearer", machine.MachineToken);
        request.Headers.TransferEncodingChunked = true;
        request.Content = new StreamContent(new MemoryStream(body));
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
