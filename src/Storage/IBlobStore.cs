namespace BackupPlatform.Storage;

/// <summary>
/// Where packs, recovery points and key headers lie: named, immutable runs of bytes. The blobs alone can rebuild everything, so what
/// this interface promises is what the platform's promises rest on.
/// </summary>
/// <remarks>
/// <para>A store <b>must</b></para>
/// <list type="number">
/// <item>show a blob only whole: before its commit no call sees it, and no crash leaves a part of it;</item>
/// <item>have made a blob durable when <see cref="BlobUpload.CommitAsync"/> returns: first its bytes, then its name, then the folders
/// that lead to the name. Only then may its index rows be written, and only then what refers to those;</item>
/// <item>never overwrite: of commits that race for one name exactly one wins, the others get <see cref="BlobExistsException"/>;</item>
/// <item>keep "there is none" apart from "cannot tell": absence is an answer (<see langword="null"/>, <see langword="false"/>), a store
/// that is away is a <see cref="StoreUnavailableException"/>. Whoever mistakes the second for the first deletes what is needed;</item>
/// <item>hold memory that does not grow with the size of a blob or the number of blobs;</item>
/// <item>refuse at once, with <see cref="ArgumentException"/>, a name that <see cref="BlobName.Check"/> refuses.</item>
/// </list>
/// <para>A store <b>should</b> remove what dead writers left, and answer ranges without reading what lies before them. Callers
/// <b>must not</b> use a name that is also a folder of another name (<c>a</c> and <c>a/b</c>): some stores refuse the second.</para>
/// <para>Deletion is the caller's decision and final. A blob that is deleted while it is read may end the reading with an error.</para>
/// <para>Every method can throw <see cref="StoreUnavailableException"/>, and <see cref="OperationCanceledException"/> when cancelled.
/// All methods may be called at the same time from any thread.</para>
/// </remarks>
public interface IBlobStore
{
    /// <summary>Begins a new blob. Nothing of it can be seen before its commit; names are compared only then.</summary>
    /// <param name="name">See <see cref="BlobName"/>.</param>
    /// <param name="cancellationToken">Cancels the beginning, not the upload that was returned.</param>
    /// <exception cref="StoreFullException">There is no room to begin.</exception>
    ValueTask<BlobUpload> CreateAsync(string name, CancellationToken cancellationToken);

    /// <summary>Opens a blob, or a range of it, for reading forward.</summary>
    /// <param name="name">See <see cref="BlobName"/>.</param>
    /// <param name="offset">Bytes to skip, 0 or more; at or past the end the stream is empty.</param>
    /// <param name="length">Bytes to read at most, 0 or more; <see langword="null"/> means up to the end.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    /// <returns>A stream that cannot seek, for one reader, that throws what this interface throws; <see langword="null"/> when there is
    /// no such blob.</returns>
    ValueTask<Stream?> OpenReadAsync(string name, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>The length of a blob in bytes; <see langword="null"/> when there is none.</summary>
    ValueTask<long?> GetLengthAsync(string name, CancellationToken cancellationToken);

    /// <summary>Deletes a blob, durably.</summary>
    /// <returns><see langword="false"/> when there was none.</returns>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// The blobs whose names begin with <paramref name="prefix"/>, in ordinal order of their names. A blob that was there all the time
    /// is listed exactly once; one that came or went meanwhile is listed or not.
    /// </summary>
    /// <param name="prefix">Any beginning of a name, also in the middle of a segment; empty for all.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken);
}

/// <summary>One blob in a listing.</summary>
/// <param name="Name">The whole name.</param>
/// <param name="Length">In bytes.</param>
public sealed record BlobItem(string Name, long Length);
