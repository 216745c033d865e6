using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using BackupPlatform.Storage.Cloud;

namespace BackupPlatform.Storage;

/// <summary>
/// A store in a container of Azure Blob Storage, or of Azurite. The container must exist; <see cref="BlobStores.OpenAsync"/> makes it.
/// How many copies there are, and where, is the account's SKU.
/// </summary>
/// <remarks>
/// A commit is one call that names the staged blocks and demands that no blob of the name exists. What an upload without a commit
/// staged cannot be seen, and the service drops it after a week. Blocks are staged per blob name, and a commit drops those of everyone
/// else: that is how a loser of a race may learn of it.
/// </remarks>
public sealed class AzureBlobStore(BlobContainerClient container) : IBlobStore
{
    /// <inheritdoc/>
    public ValueTask<BlobUpload> CreateAsync(string name, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = container.GetBlockBlobClient(BlobName.Check(name));
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<BlobUpload>(new AzureUpload(blob));
    }

    /// <inheritdoc/>
    public async ValueTask<Stream?> OpenReadAsync(string name, long offset, long? length, CancellationToken cancellationToken)
    {
        BlobClient blob = container.GetBlobClient(BlobName.Check(name));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (length is { } wanted) ArgumentOutOfRangeException.ThrowIfNegative(wanted, nameof(length));
        // A range of no bytes cannot be asked for. One that ends past the largest number cannot either, and means "to the end".
        if (length == 0) return await GetLengthAsync(name, cancellationToken) is null ? null : Stream.Null;
        var range = new HttpRange(offset, length > long.MaxValue - offset ? null : length);
        try
        {
            Response<BlobDownloadStreamingResult> answer = await blob.DownloadStreamingAsync(
                new BlobDownloadOptions { Range = range }, cancellationToken);
            return new AzureReadStream(answer.Value.Content);
        }
        catch (RequestFailedException failure) when (failure.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
        catch (RequestFailedException failure) when (failure.ErrorCode == BlobErrorCode.InvalidRange)
        {
            return Stream.Null;
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<long?> GetLengthAsync(string name, CancellationToken cancellationToken)
    {
        BlobClient blob = container.GetBlobClient(BlobName.Check(name));
        try
        {
            return (await blob.GetPropertiesAsync(cancellationToken: cancellationToken)).Value.ContentLength;
        }
        catch (RequestFailedException failure) when (failure.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        BlobClient blob = container.GetBlobClient(BlobName.Check(name));
        try
        {
            await blob.DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, conditions: null, cancellationToken);
            return true;
        }
        catch (RequestFailedException failure) when (failure.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return false;
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        BlobName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    private async IAsyncEnumerable<BlobItem> EnumerateAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<Azure.Storage.Blobs.Models.BlobItem> blobs = container
            .GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(blobs))
        {
            if (BlobName.IsValid(blobs.Current.Name))
            {
                yield return new BlobItem(blobs.Current.Name, blobs.Current.Properties.ContentLength ?? 0);
            }
        }
    }

    // An iterator cannot yield inside a try that catches.
    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<Azure.Storage.Blobs.Models.BlobItem> blobs)
    {
        try
        {
            return await blobs.MoveNextAsync();
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
    }
}
