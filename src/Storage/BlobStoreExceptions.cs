namespace BackupPlatform.Storage;

/// <summary>What a store can answer instead of doing what it was asked.</summary>
public abstract class BlobStoreException(string message, Exception? innerException) : Exception(message, innerException);

/// <summary>The name of a blob is taken. Blobs are never overwritten.</summary>
public sealed class BlobExistsException(string name, Exception? innerException = null)
    : BlobStoreException($"There is a blob {name} already.", innerException)
{
    /// <summary>The name that is taken.</summary>
    public string Name { get; } = name;
}

/// <summary>No room is left in the store, or its quota is used up. An operator has to add or free some; trying again alone does not help.</summary>
public sealed class StoreFullException(string message, Exception? innerException = null) : BlobStoreException(message, innerException);

/// <summary>The store cannot answer now: away, failing, or refusing this platform. The same call may succeed later.</summary>
public sealed class StoreUnavailableException(string message, Exception? innerException = null) : BlobStoreException(message, innerException);
