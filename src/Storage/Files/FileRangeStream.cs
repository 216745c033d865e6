using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Storage.Files;

/// <summary>Reads a range of a file forward, without a buffer of its own.</summary>
internal sealed class FileRangeStream(FileBlobStore store, SafeFileHandle handle, long offset, long? length) : Stream
{
    private long _position = offset;
    private long _left = length ?? long.MaxValue;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(int)Math.Min(buffer.Length, _left)];
        try
        {
            return Advance(wanted.IsEmpty ? 0 : RandomAccess.Read(handle, wanted, _position));
        }
        catch (Exception failure) when (Posix.IsFileSystemFailure(failure))
        {
            throw Posix.Translate(failure, store.Folder);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Memory<byte> wanted = buffer[..(int)Math.Min(buffer.Length, _left)];
        try
        {
            return Advance(wanted.IsEmpty ? 0 : await RandomAccess.ReadAsync(handle, wanted, _position, cancellationToken));
        }
        catch (Exception failure) when (Posix.IsFileSystemFailure(failure))
        {
            throw Posix.Translate(failure, store.Folder);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) handle.Dispose();
        base.Dispose(disposing);
    }

    private int Advance(int read)
    {
        _position += read;
        _left -= read;
        return read;
    }
}
