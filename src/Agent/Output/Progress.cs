namespace BackupPlatform.Agent.Output;

/// <summary>How far a command is. Counted by whoever works, shown by whoever looks.</summary>
internal sealed class Progress
{
    private long _files;
    private long _bytes;
    private long _transferred;
    private long _bytesTotal;

    /// <summary>What is being done, in a word or two.</summary>
    public string Phase { get; set; } = "";

    public long Files => Interlocked.Read(ref _files);

    /// <summary>Bytes of files done, read or written.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes sent or received.</summary>
    public long Transferred => Interlocked.Read(ref _transferred);

    /// <summary>Bytes expected in all, or 0 where that is not known.</summary>
    public long BytesTotal
    {
        get => Interlocked.Read(ref _bytesTotal);
        set => Interlocked.Exchange(ref _bytesTotal, value);
    }

    public void AddFile() => Interlocked.Increment(ref _files);

    public void AddBytes(long count) => Interlocked.Add(ref _bytes, count);

    public void AddTransferred(long count) => Interlocked.Add(ref _transferred, count);
}
