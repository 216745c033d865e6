namespace BackupPlatform.Storage;

/// <summary>
/// A blob in the making: written forward by one writer, then committed. Disposed without a commit it is discarded. After a failed or
/// cancelled write it cannot be committed any more, so that no error path makes a blob with a hole.
/// </summary>
public abstract class BlobUpload : IAsyncDisposable
{
    private State _state = State.Open;

    private enum State
    {
        Open,
        Busy,
        Failed,
        Committed,
        Disposed,
    }

    /// <summary>Bytes written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Appends bytes. They may be buffered; only a commit makes them durable.</summary>
    /// <exception cref="StoreFullException">There is no room.</exception>
    /// <exception cref="StoreUnavailableException">The store could not take them.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Enter();
        await WriteCoreAsync(bytes, cancellationToken);
        Length += bytes.Length;
        _state = State.Open;
    }

    /// <summary>
    /// Makes the blob durable and visible, in that order. When this throws anything but <see cref="BlobExistsException"/>, the blob may
    /// or may not be there: ask for its length, or write under a new name.
    /// </summary>
    /// <exception cref="BlobExistsException">The name is taken; nothing was changed.</exception>
    /// <exception cref="StoreFullException">There is no room.</exception>
    /// <exception cref="StoreUnavailableException">The store could not take it.</exception>
    public async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        Enter();
        await CommitCoreAsync(cancellationToken);
        _state = State.Committed;
    }

    /// <summary>Discards the blob unless it was committed.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_state == State.Disposed) return;
        bool committed = _state == State.Committed;
        _state = State.Disposed;
        await DisposeCoreAsync(committed);
    }

    /// <summary>Appends bytes.</summary>
    protected abstract ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Commits; called once at most, and only when every write succeeded.</summary>
    protected abstract ValueTask CommitCoreAsync(CancellationToken cancellationToken);

    /// <summary>Releases what the upload holds, and what it stored if it was not committed. Does not throw for a store that is away.</summary>
    protected abstract ValueTask DisposeCoreAsync(bool committed);

    // Busy until the call succeeded: a call that throws, or one that overlaps, leaves an upload that no commit accepts.
    private void Enter()
    {
        ObjectDisposedException.ThrowIf(_state == State.Disposed, this);
        if (_state != State.Open)
        {
            string why = _state == State.Committed ? "it is committed" : "a write or a commit failed, or is still running";
            if (_state == State.Busy) _state = State.Failed;
            throw new InvalidOperationException($"This upload takes nothing more: {why}.");
        }
        _state = State.Busy;
    }
}
