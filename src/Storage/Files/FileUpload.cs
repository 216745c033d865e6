using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Storage.Files;

/// <summary>A blob being written to a file in the uploads folder of a <see cref="FileBlobStore"/>.</summary>
internal sealed class FileUpload : BlobUpload
{
    // Network pipes hand over 4 to 64 KiB at a time; one write call for each would cost more than the copy into this.
    private const int BufferLength = 512 * 1024;

    private readonly FileBlobStore _store;
    private readonly string _name;
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private byte[]? _buffer;
    private int _buffered;
    private long _written;

    internal FileUpload(FileBlobStore store, string name, string path)
    {
        _store = store;
        _name = name;
        _path = path;
        // FileShare.None takes a lock that ends with this process: IsHeld asks for it.
        _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Whether a living writer has this upload open.</summary>
    internal static bool IsHeld(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.None).Dispose();
            return false;
        }
        catch (IOException failure) when (failure is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return true;
        }
    }

    protected override async ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (!bytes.IsEmpty)
        {
            if (_buffered == 0 && bytes.Length >= BufferLength)
            {
                await WriteToFileAsync(bytes, cancellationToken);
                return;
            }
            _buffer ??= ArrayPool<byte>.Shared.Rent(BufferLength);
            int taken = Math.Min(bytes.Length, BufferLength - _buffered);
            bytes[..taken].CopyTo(_buffer.AsMemory(_buffered));
            _buffered += taken;
            bytes = bytes[taken..];
            if (_buffered == BufferLength) await FlushBufferAsync(cancellationToken);
        }
    }

    protected override async ValueTask CommitCoreAsync(CancellationToken cancellationToken)
    {
        await FlushBufferAsync(cancellationToken);
        // Flushing blocks its thread for as long as the disk takes. From here on a cancellation comes too late.
        await Task.Run(() => _store.Translated(() =>
        {
            RandomAccess.FlushToDisk(_handle);
            // Closed first, which ends the lock: a reader may open the file as soon as it has its name.
            _handle.Dispose();
            _store.Publish(_path, _name);
            return true;
        }), cancellationToken);
    }

    protected override ValueTask DisposeCoreAsync(bool committed)
    {
        _handle.Dispose();
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        if (committed) return ValueTask.CompletedTask;
        try
        {
            Posix.Unlink(_path);
        }
        catch (IOException)
        {
            // A store that is away keeps the file until a later start removes it.
        }
        return ValueTask.CompletedTask;
    }

    private async ValueTask FlushBufferAsync(CancellationToken cancellationToken)
    {
        if (_buffered == 0) return;
        await WriteToFileAsync(_buffer.AsMemory(0, _buffered), cancellationToken);
        _buffered = 0;
    }

    private async ValueTask WriteToFileAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await RandomAccess.WriteAsync(_handle, bytes, _written, cancellationToken);
        }
        catch (Exception failure) when (Posix.IsFileSystemFailure(failure))
        {
            throw Posix.Translate(failure, _store.Folder);
        }
        _written += bytes.Length;
    }
}
