using System.Runtime.CompilerServices;
using BackupPlatform.Storage;

namespace BackupPlatform.Testing;

/// <summary>Calls of a store and of its uploads and streams, to aim faults at.</summary>
[Flags]
public enum StoreCalls
{
    None = 0,
    Create = 1,
    Write = 2,
    Commit = 4,
    OpenRead = 8,
    Read = 16,
    GetLength = 32,
    Delete = 64,
    List = 128,
    All = 255,
}

/// <summary>What happens to a call that is hit.</summary>
public enum FaultKind
{
    /// <summary>Throws <see cref="Fault.Failure"/> and the store never hears of the call.</summary>
    FailBefore,

    /// <summary>The store does it, then the caller is told <see cref="Fault.Failure"/>: the answer that got lost.</summary>
    FailAfter,

    /// <summary>Waits for <see cref="Fault.Gate"/> before the call.</summary>
    Delay,

    /// <summary>A read returns one wrong bit; other calls are left alone.</summary>
    Corrupt,

    /// <summary>A read ends too early; other calls are left alone.</summary>
    Truncate,
}

/// <summary>A fault, and the calls it hits.</summary>
/// <param name="Calls">Which calls count and are hit.</param>
/// <param name="Kind">What happens to them.</param>
/// <param name="Nth">The first of those calls that is hit, from 1; one that is hit by an earlier fault is not counted.</param>
/// <param name="Times">How many are hit from then on; -1 for all.</param>
/// <param name="Chance">Of being hit, for each of them, 0 to 1, from the store's seed.</param>
public sealed record Fault(StoreCalls Calls, FaultKind Kind, int Nth = 1, int Times = 1, double Chance = 1)
{
    /// <summary>Only blobs whose name contains this.</summary>
    public string NameContains { get; init; } = "";

    /// <summary>What a failing call throws.</summary>
    public Func<string, Exception> Failure { get; init; } = what => new StoreUnavailableException($"Injected: {what}.");

    /// <summary>What a delayed call waits for.</summary>
    public Task Gate { get; init; } = Task.CompletedTask;

    internal int Seen { get; set; }

    internal int Hit { get; set; }
}

/// <summary>A store that does what another does, except where a fault says otherwise. Reproducible by its seed when calls are in sequence.</summary>
public sealed class FaultyBlobStore(IBlobStore inner, Seed seed, params Fault[] faults) : IBlobStore
{
    private readonly Lock _lock = new();
    private readonly Random _random = seed.Generator(0xFA17);
    private readonly List<Fault> _faults = [.. faults];
    private readonly List<string> _injected = [];

    /// <summary>The faults that struck so far, to print when a test fails.</summary>
    public IReadOnlyList<string> Injected
    {
        get
        {
            lock (_lock) return [.. _injected];
        }
    }

    /// <summary>Adds a fault; its count starts now.</summary>
    public void Add(Fault fault)
    {
        lock (_lock) _faults.Add(fault);
    }

    /// <summary>Ends all faults.</summary>
    public void Heal()
    {
        lock (_lock) _faults.Clear();
    }

    public ValueTask<BlobUpload> CreateAsync(string name, CancellationToken cancellationToken) => CallAsync<BlobUpload>(
        StoreCalls.Create, name, async () => new FaultyUpload(this, name, await inner.CreateAsync(name, cancellationToken)), cancellationToken);

    public ValueTask<Stream?> OpenReadAsync(string name, long offset, long? length, CancellationToken cancellationToken) => CallAsync(
        StoreCalls.OpenRead,
        name,
        async () => await inner.OpenReadAsync(name, offset, length, cancellationToken) is { } stream ? new FaultyStream(this, name, stream) : (Stream?)null,
        cancellationToken);

    public ValueTask<long?> GetLengthAsync(string name, CancellationToken cancellationToken) =>
        CallAsync(StoreCalls.GetLength, name, () => inner.GetLengthAsync(name, cancellationToken), cancellationToken);

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) =>
        CallAsync(StoreCalls.Delete, name, () => inner.DeleteAsync(name, cancellationToken), cancellationToken);

    public async IAsyncEnumerable<BlobItem> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (BlobItem item in inner.ListAsync(prefix, cancellationToken))
        {
            yield return await CallAsync(StoreCalls.List, item.Name, () => ValueTask.FromResult(item), cancellationToken);
        }
    }

    private async ValueTask<T> CallAsync<T>(StoreCalls call, string name, Func<ValueTask<T>> body, CancellationToken cancellationToken)
    {
        Fault? fault = Strike(call, name);
        if (fault?.Kind == FaultKind.FailBefore) throw fault.Failure($"before {call} {name}");
        if (fault?.Kind == FaultKind.Delay) await fault.Gate.WaitAsync(cancellationToken);
        T result = await body();
        if (fault?.Kind == FaultKind.FailAfter)
        {
            if (result is IAsyncDisposable unheard) await unheard.DisposeAsync();
            throw fault.Failure($"after {call} {name}");
        }
        return result;
    }

    private Fault? Strike(StoreCalls call, string name)
    {
        lock (_lock)
        {
            foreach (Fault fault in _faults)
            {
                if (!fault.Calls.HasFlag(call) || !name.Contains(fault.NameContains, StringComparison.Ordinal)) continue;
                fault.Seen++;
                bool due = fault.Seen >= fault.Nth && (fault.Times < 0 || fault.Hit < fault.Times);
                if (!due || _random.NextDouble() >= fault.Chance) continue;
                fault.Hit++;
                _injected.Add($"{fault.Kind} {call} {name}");
                return fault;
            }
            return null;
        }
    }

    private int Below(int maximum)
    {
        lock (_lock) return _random.Next(maximum);
    }

    private sealed class FaultyUpload(FaultyBlobStore store, string name, BlobUpload upload) : BlobUpload
    {
        protected override async ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
            await store.CallAsync(StoreCalls.Write, name, async () =>
            {
                await upload.WriteAsync(bytes, cancellationToken);
                return true;
            }, cancellationToken);

        protected override async ValueTask CommitCoreAsync(CancellationToken cancellationToken) =>
            await store.CallAsync(StoreCalls.Commit, name, async () =>
            {
                await upload.CommitAsync(cancellationToken);
                return true;
            }, cancellationToken);

        protected override ValueTask DisposeCoreAsync(bool committed) => upload.DisposeAsync();
    }

    private sealed class FaultyStream(FaultyBlobStore store, string name, Stream stream) : ForwardStream
    {
        private bool _ended;

        public override int Read(Span<byte> buffer)
        {
            var bytes = new byte[buffer.Length];
            int read = ReadAsync(bytes, CancellationToken.None).AsTask().GetAwaiter().GetResult();
            bytes.AsSpan(0, read).CopyTo(buffer);
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_ended || buffer.IsEmpty) return 0;
            Fault? fault = store.Strike(StoreCalls.Read, name);
            if (fault?.Kind == FaultKind.FailBefore) throw fault.Failure($"before Read {name}");
            if (fault?.Kind == FaultKind.Delay) await fault.Gate.WaitAsync(cancellationToken);
            int read = await stream.ReadAsync(buffer, cancellationToken);
            if (fault?.Kind == FaultKind.FailAfter) throw fault.Failure($"after Read {name}");
            if (fault?.Kind == FaultKind.Corrupt && read > 0) buffer.Span[store.Below(read)] ^= (byte)(1 << store.Below(8));
            if (fault?.Kind != FaultKind.Truncate) return read;
            _ended = true;
            return read == 0 ? 0 : store.Below(read);
        }

        public override async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            await base.DisposeAsync();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) stream.Dispose();
            base.Dispose(disposing);
        }
    }
}
