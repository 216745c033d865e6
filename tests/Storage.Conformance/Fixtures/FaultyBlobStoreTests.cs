using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance.Fixtures;

/// <summary>Without faults it keeps what every store promises; with one, exactly the named call is hit.</summary>
public sealed class FaultyBlobStoreConformance : BlobStoreConformance, IDisposable
{
    private readonly TempFolder _folder = new("faulty");

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IBlobStore> NewStoreAsync() => ValueTask.FromResult<IBlobStore>(Faulty());

    [Fact]
    public async Task GivenAFaultBeforeTheSecondCommit_WhenWritingThree_ThenOnlyThatOneIsMissing()
    {
        FaultyBlobStore store = Faulty(new Fault(StoreCalls.Commit, FaultKind.FailBefore, Nth: 2));

        await store.WriteAllAsync("a", Bytes(1), Cancellation);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.WriteAllAsync("b", Bytes(1), Cancellation).AsTask());
        await store.WriteAllAsync("c", Bytes(1), Cancellation);

        Assert.Equal(["a", "c"], await NamesAsync(store, ""));
        Assert.Equal(["FailBefore Commit b"], store.Injected);
    }

    [Fact]
    public async Task GivenAFaultAfterACommit_WhenWritten_ThenTheCallerFailsAndTheBlobIsThere()
    {
        FaultyBlobStore store = Faulty(new Fault(StoreCalls.Commit, FaultKind.FailAfter) { NameContains = "b" });

        await store.WriteAllAsync("a", Bytes(1), Cancellation);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.WriteAllAsync("b", Bytes(1), Cancellation).AsTask());

        Assert.Equal(["a", "b"], await NamesAsync(store, ""));
    }

    [Fact]
    public async Task GivenCorruptAndTruncatedReads_WhenRead_ThenOneBitDiffersAndTheEndIsMissing()
    {
        FaultyBlobStore store = Faulty();
        byte[] bytes = Bytes(1000);
        await store.WriteAllAsync("a", bytes, Cancellation);

        store.Add(new Fault(StoreCalls.Read, FaultKind.Corrupt));
        byte[] corrupt = (await store.ReadAllAsync("a", 1000, Cancellation))!;
        store.Heal();
        store.Add(new Fault(StoreCalls.Read, FaultKind.Truncate));
        byte[] truncated = (await store.ReadAllAsync("a", 1000, Cancellation))!;
        store.Heal();

        Assert.Equal(1, bytes.Zip(corrupt, (x, y) => int.PopCount(x ^ y)).Sum());
        Assert.True(truncated.Length < 1000 && bytes.AsSpan().StartsWith(truncated));
        Assert.Equal(bytes, await store.ReadAllAsync("a", 1000, Cancellation));
    }

    [Fact]
    public async Task GivenADelay_WhenTheGateOpens_ThenTheCallGoesOn()
    {
        var gate = new TaskCompletionSource();
        FaultyBlobStore store = Faulty(new Fault(StoreCalls.GetLength, FaultKind.Delay) { Gate = gate.Task });

        Task<long?> length = store.GetLengthAsync("a", Cancellation).AsTask();
        Assert.False(length.IsCompleted);
        gate.SetResult();

        Assert.Null(await length);
    }

    private FaultyBlobStore Faulty(params Fault[] faults) => new(new FileBlobStore(_folder.Combine("store")), TheSeed, faults);
}
