namespace BackupPlatform.Agent.Backup;

/// <summary>Bytes that may be held at once; who wants more waits until others are done. First come, first served.</summary>
internal sealed class MemoryBudget(long capacity)
{
    private readonly long _capacity = capacity;
    private readonly Lock _lock = new();
    private readonly Queue<(int Bytes, TaskCompletionSource Granted)> _waiting = new();
    private long _free = capacity;

    /// <param name="bytes">At most the capacity.</param>
    public Task TakeAsync(int bytes, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _capacity, nameof(bytes));
        TaskCompletionSource granted;
        lock (_lock)
        {
            if (_waiting.Count == 0 && bytes <= _free)
            {
                _free -= bytes;
                return Task.CompletedTask;
            }

            granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, granted));
        }

        // Who is cancelled ends the whole work with it, so its place in the queue is left as it is.
        return granted.Task.WaitAsync(cancellation);
    }

    public void Return(int bytes)
    {
        lock (_lock)
        {
            _free += bytes;
            while (_waiting.TryPeek(out var next) && next.Bytes <= _free)
            {
                _free -= next.Bytes;
                _waiting.Dequeue().Granted.SetResult();
            }
        }
    }
}
