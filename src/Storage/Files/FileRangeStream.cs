using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Storage.Files;

/// <summary>Reads a range of a file forward, without a buffer of its own.</summary>
internal sealed class FileRangeStream(FileBlobStore store, SafeFileHandle handle, long offset, long? length) : ForwardStream
{
    private long _position = offset;
    private long _left = length ?? long.MaxValue;

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
