namespace BackupPlatform.Formats;

/// <summary>Writes a restore plan. Memory: the pack table and one buffer.</summary>
public sealed class RestorePlanWriter
{
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write;
    private readonly RestorePlanHead head;
    private readonly byte[] buffer = new byte[4096 * RestorePlan.EntrySize];
    private int buffered;
    private long entries;
    private long frameBytes;
    private RestorePlanEntry? last;

    private RestorePlanWriter(RestorePlanHead head, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write) =>
        (this.head, this.write) = (head, write);

    /// <summary>Writes header and pack table.</summary>
    /// <param name="write">Where the bytes go, in order.</param>
    /// <exception cref="ArgumentException">The plan has no pack, or too many.</exception>
    public static async ValueTask<RestorePlanWriter> CreateAsync(
        RestorePlanHead head, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellationToken = default)
    {
        await write(RestorePlan.WriteHead(head), cancellationToken);
        return new RestorePlanWriter(head, write);
    }

    /// <summary>Adds the next entry: ascending by pack, then by offset.</summary>
    /// <exception cref="InvalidOperationException">It is out of order, or no entry of this plan.</exception>
    public async ValueTask AppendAsync(RestorePlanEntry entry, CancellationToken cancellationToken = default)
    {
        if (RestorePlan.Fault(entry, last, head.Packs.Count) is { } fault)
        {
            throw new InvalidOperationException(fault);
        }

        if (buffered == buffer.Length)
        {
            await FlushAsync(cancellationToken);
        }

        RestorePlan.WriteEntry(entry, buffer.AsSpan(buffered));
        buffered += RestorePlan.EntrySize;
        last = entry;
        entries++;
        frameBytes += entry.Length;
    }

    /// <summary>Writes what is left.</summary>
    /// <exception cref="InvalidOperationException">The entries are not those that the header counts.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        if (entries != head.EntryCount || frameBytes != head.FrameBytes)
        {
            throw new InvalidOperationException("The restore plan's entries are not those that its header counts.");
        }

        await FlushAsync(cancellationToken);
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await write(buffer.AsMemory(0, buffered), cancellationToken);
        buffered = 0;
    }
}
