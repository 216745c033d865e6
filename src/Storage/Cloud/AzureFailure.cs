using Azure;

namespace BackupPlatform.Storage.Cloud;

/// <summary>What failures of the Azure client mean to the callers of a store.</summary>
internal static class AzureFailure
{
    /// <summary>Whether <see cref="Translate"/> is for this exception. The client wraps what its retries met in one AggregateException.</summary>
    internal static bool IsOne(Exception exception) =>
        exception is RequestFailedException or IOException or HttpRequestException or TimeoutException
            or AggregateException { InnerException: RequestFailedException or IOException or HttpRequestException };

    internal static BlobStoreException Translate(Exception failure)
    {
        var request = failure as RequestFailedException ?? failure.InnerException as RequestFailedException;
        // 507 Insufficient Storage; an account of Azure itself has no end that a request would meet.
        bool full = request is { Status: 507 };
        string what = request?.ErrorCode ?? failure.GetType().Name;
        return full
            ? new StoreFullException($"The blob container has no room left ({what}).", failure)
            : new StoreUnavailableException($"The blob container cannot be used now ({what}).", failure);
    }
}
