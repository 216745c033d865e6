using BackupPlatform.Formats;

namespace BackupPlatform.Ingest.Tests;

public sealed class RestorePlanTests
{
    private static readonly Guid[] Packs = [Guid.CreateVersion7(), Guid.CreateVersion7()];

    private static readonly RestorePlanEntry[] Entries =
        [new(0, 16, 100), new(0, 116, 200), new(0, 500, 100), new(1, 16, 45), new(1, 5_000_000_000, 2_000_000)];

    private static RestorePlanHead Head => new(
        Guid.CreateVersion7(), Guid.CreateVersion7(), Packs, Entries.Length, Entries.Sum(entry => (long)entry.Length));

    [Fact]
    public async Task GivenAPlan_WhenReadFromAnyEntry_ThenTheRestComesInOrder()
    {
        var head = Head;
        var bytes = await WriteAsync(head, Entries);

        var read = await RestorePlan.ReadHeadAsync(new MemoryStream(bytes), TestContext.Current.CancellationToken);
        Assert.Equal((head.VaultId, head.MachineId, head.EntryCount, head.FrameBytes), (read.VaultId, read.MachineId, read.EntryCount, read.FrameBytes));
        Assert.Equal(head.Packs, read.Packs);
        Assert.Equal($"vaults/{head.VaultId:D}/machines/{head.MachineId:D}/packs/{Packs[1]:D}", read.PackBlob(1));
        Assert.Equal(bytes.Length, read.OffsetOf(read.EntryCount));
        for (var from = 0; from <= Entries.Length; from++)
        {
            var stream = new MemoryStream(bytes) { Position = read.OffsetOf(from) };
            Assert.Equal(Entries[from..], await ReadAsync(stream, read, from));
        }
    }

    [Fact]
    public async Task GivenAPlan_WhenCutOffOrFlipped_ThenItIsRefusedOrReadsAsOtherEntries()
    {
        var bytes = await WriteAsync(Head, Entries);
        for (var length = 0; length < bytes.Length; length++)
        {
            await Assert.ThrowsAsync<InvalidRestorePlanException>(() => ReadAllAsync(bytes[..length]));
        }

        // Header and pack table are under the checksum.
        for (var at = 0; at < 72 + 32; at++)
        {
            var flipped = (byte[])bytes.Clone();
            flipped[at] ^= 0x10;
            await Assert.ThrowsAsync<InvalidRestorePlanException>(() => ReadAllAsync(flipped));
        }
    }

    [Fact]
    public async Task GivenEntriesOutOfOrder_WhenWriting_ThenRefused()
    {
        var token = TestContext.Current.CancellationToken;
        var writer = await RestorePlanWriter.CreateAsync(Head, (_, _) => ValueTask.CompletedTask, token);
        await writer.AppendAsync(Entries[1], token);

        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.AppendAsync(Entries[0], token).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.AppendAsync(new(2, 16, 100), token).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.AppendAsync(new(1, 16, 44), token).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CompleteAsync(token).AsTask());
    }

    private static async Task<byte[]> WriteAsync(RestorePlanHead head, IEnumerable<RestorePlanEntry> entries)
    {
        using var bytes = new MemoryStream();
        var writer = await RestorePlanWriter.CreateAsync(head, (piece, token) => bytes.WriteAsync(piece, token));
        foreach (var entry in entries)
        {
            await writer.AppendAsync(entry);
        }

        await writer.CompleteAsync();
        return bytes.ToArray();
    }

    private static async Task ReadAllAsync(byte[] bytes)
    {
        var stream = new MemoryStream(bytes);
        var head = await RestorePlan.ReadHeadAsync(stream);
        await ReadAsync(stream, head, 0);
    }

    private static async Task<List<RestorePlanEntry>> ReadAsync(Stream stream, RestorePlanHead head, long from)
    {
        var entries = new List<RestorePlanEntry>();
        await foreach (var entry in RestorePlan.ReadEntriesAsync(stream, head, from))
        {
            entries.Add(entry);
        }

        return entries;
    }
}
