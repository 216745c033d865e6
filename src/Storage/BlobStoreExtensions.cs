namespace BackupPlatform.Storage;

/// <summary>What is convenient with every store.</summary>
public static class BlobStoreExtensions
{
    /// <summary>Opens a whole blob for reading forward; <see langword="null"/> when there is none.</summary>
    public static ValueTask<Stream?> OpenReadAsync(this IBlobStore store, string name, CancellationToken cancellationToken) =>
        store.OpenReadAsync(name, 0, null, cancellationToken);

    /// <summary>Writes and commits a blob from memory.</summary>
    /// <exception cref="BlobExistsException">The name is taken.</exception>
    public static async ValueTask WriteAllAsync(
        this IBlobStore store, string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await using BlobUpload upload = await store.CreateAsync(name, cancellationToken);
        await upload.WriteAsync(bytes, cancellationToken);
        await upload.CommitAsync(cancellationToken);
    }

    /// <summary>Reads a whole blob into memory; <see langword="null"/> when there is none.</summary>
    /// <param name="store">Where it lies.</param>
    /// <param name="name">Its name.</param>
    /// <param name="maximumLength">Bytes that the caller is ready to hold.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="maximumLength"/>.</exception>
    public static async ValueTask<byte[]?> ReadAllAsync(
        this IBlobStore store, string name, int maximumLength, CancellationToken cancellationToken)
    {
        // One byte more than allowed tells a blob that is too long, without a second call for its length.
        await using Stream? stream = await store.OpenReadAsync(name, 0, (long)maximumLength + 1, cancellationToken);
        if (stream is null) return null;
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, cancellationToken);
        return bytes.Length <= maximumLength
            ? bytes.ToArray()
            : throw new InvalidDataException($"The blob {name} is longer than {maximumLength} bytes.");
    }

    /// <summary>Reads a range into memory; <see langword="null"/> when there is no such blob; shorter when the blob ends before.</summary>
    public static async ValueTask<byte[]?> ReadRangeAsync(
        this IBlobStore store, string name, long offset, int length, CancellationToken cancellationToken)
    {
        await using Stream? stream = await store.OpenReadAsync(name, offset, length, cancellationToken);
        if (stream is null) return null;
        var bytes = new byte[length];
        int read = await stream.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, cancellationToken);
        return read == length ? bytes : bytes[..read];
    }
}
