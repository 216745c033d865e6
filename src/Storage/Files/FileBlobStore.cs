using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using BackupPlatform.Storage.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Storage;

/// <summary>
/// A store in a folder: a blob's name is its path below it. Several processes may use one folder at the same time.
/// </summary>
/// <remarks>
/// A commit is, in this order: the bytes go to a file in <c>~uploads</c> (no blob name can contain a tilde) and are flushed to the
/// disk; missing folders are made, each one's name flushed; a hard link gives the file its name, which fails if the name is taken;
/// the folder of the name is flushed; the name in <c>~uploads</c> goes. A crash between any two leaves a file in <c>~uploads</c> at
/// worst, which a start more than a day later removes. Folders are never removed, so one that was durable once stays so.
/// </remarks>
public sealed class FileBlobStore : IBlobStore
{
    private const string UploadsName = "~uploads";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int DurableFoldersRemembered = 4096;
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    private readonly string _uploads;
    private readonly ConcurrentDictionary<string, bool> _durableFolders = new(StringComparer.Ordinal);

    /// <summary>Opens the store in <paramref name="folder"/>, which is made, for its owner alone, if it is missing.</summary>
    /// <exception cref="StoreUnavailableException">The folder cannot be used.</exception>
    public FileBlobStore(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException("Stores of files need Linux or macOS.");
        Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        _uploads = Path.Combine(Folder, UploadsName);
        try
        {
            Directory.CreateDirectory(Folder, OwnerOnly);
            Directory.CreateDirectory(_uploads, OwnerOnly);
            Posix.FlushDirectory(Folder);
            if (Path.GetDirectoryName(Folder) is { } parent) Posix.FlushDirectory(parent);
            RemoveLeftovers();
        }
        catch (Exception failure) when (Posix.IsFileSystemFailure(failure))
        {
            throw Posix.Translate(failure, Folder);
        }
    }

    /// <summary>The absolute path of the folder.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public ValueTask<BlobUpload> CreateAsync(string name, CancellationToken cancellationToken)
    {
        BlobName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        string path = Path.Combine(_uploads, RandomNumberGenerator.GetHexString(32, lowercase: true));
        return ValueTask.FromResult<BlobUpload>(Translated(() => new FileUpload(this, name, path)));
    }

    /// <inheritdoc/>
    public ValueTask<Stream?> OpenReadAsync(string name, long offset, long? length, CancellationToken cancellationToken)
    {
        BlobName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (length is { } wanted) ArgumentOutOfRangeException.ThrowIfNegative(wanted, nameof(length));
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<Stream?>(Translated(() =>
        {
            var file = new FileInfo(PathOf(name));
            if (!file.Exists) return Absent<FileRangeStream>();
            SafeFileHandle handle;
            try
            {
                handle = File.OpenHandle(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
            {
                return Absent<FileRangeStream>();
            }
            return new FileRangeStream(this, handle, offset, length);
        }));
    }

    /// <inheritdoc/>
    public ValueTask<long?> GetLengthAsync(string name, CancellationToken cancellationToken)
    {
        BlobName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Translated<long?>(() =>
        {
            var file = new FileInfo(PathOf(name));
            if (file.Exists) return file.Length;
            ThrowIfAway();
            return null;
        }));
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        BlobName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<bool>(Task.Run(() => Translated(() =>
        {
            string path = PathOf(name);
            if (!Posix.Unlink(path))
            {
                ThrowIfAway();
                return false;
            }
            Posix.FlushDirectory(Path.GetDirectoryName(path)!);
            return true;
        }), CancellationToken.None));
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        BlobName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    /// <summary>The last steps of a commit: from a flushed file in the uploads folder to a durable name.</summary>
    internal void Publish(string uploadPath, string name)
    {
        string path = PathOf(name);
        string folder = Path.GetDirectoryName(path)!;
        if (!MakeFolder(folder)) throw new BlobExistsException(name);
        Posix.LinkResult result = Posix.Link(uploadPath, path);
        if (result == Posix.LinkResult.NoFolder) throw new IOException($"{uploadPath} or {folder} went away.");
        // Also of a name that was taken: whoever hears that the blob is there may rely on it, and the one who gave it its name may not
        // have come to its flush yet. Where this fails the name stays: another may have flushed it meanwhile and told of it.
        Posix.FlushDirectory(folder);
        if (result == Posix.LinkResult.NameTaken) throw new BlobExistsException(name);
        // Durable under its name: the other one is only untidy, and goes at a later start if not now.
        try
        {
            Posix.Unlink(uploadPath);
        }
        catch (IOException)
        {
        }
    }

    internal T Translated<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (Posix.IsFileSystemFailure(failure))
        {
            throw Posix.Translate(failure, Folder);
        }
    }

    private string PathOf(string name) => Path.Combine(Folder, name);

    // Without this check a disk that is not mounted would look like a store without blobs.
    private void ThrowIfAway()
    {
        if (!Directory.Exists(_uploads)) throw new StoreUnavailableException($"The store {Folder} is not there.");
    }

    private T? Absent<T>() where T : class
    {
        ThrowIfAway();
        return null;
    }

    // Returns false when a blob has the name of a folder on the way. Never makes the store's own folder: a store that went away stays away.
    private bool MakeFolder(string folder)
    {
        if (folder.Length <= Folder.Length || _durableFolders.ContainsKey(folder)) return true;
        string parent = Path.GetDirectoryName(folder)!;
        if (!MakeFolder(parent)) return false;
        ThrowIfAway();
        if (File.Exists(folder)) return false;
        if (!OperatingSystem.IsWindows()) Directory.CreateDirectory(folder, OwnerOnly);
        // Also when it was there: another process may have made it a moment ago and not flushed it yet.
        Posix.FlushDirectory(parent);
        if (_durableFolders.Count >= DurableFoldersRemembered) _durableFolders.Clear();
        _durableFolders[folder] = true;
        return true;
    }

    private void RemoveLeftovers()
    {
        // The file system's own clock, by a file made now: the platform's clock may be set apart from it, and other processes upload here.
        string probe = Path.Combine(_uploads, RandomNumberGenerator.GetHexString(32, lowercase: true));
        File.WriteAllBytes(probe, []);
        DateTime now = File.GetLastWriteTimeUtc(probe);
        File.Delete(probe);
        foreach (FileInfo file in new DirectoryInfo(_uploads).EnumerateFiles())
        {
            if (now - file.LastWriteTimeUtc > LeftoverAge && !FileUpload.IsHeld(file.FullName)) file.Delete();
        }
    }

    private async IAsyncEnumerable<BlobItem> EnumerateAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var listing = new FileListing(Folder, prefix);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            BlobItem[] items = await Task.Run(() => Translated(listing.Next), cancellationToken);
            if (items.Length == 0) break;
            foreach (BlobItem item in items) yield return item;
        }
        ThrowIfAway();
    }
}
