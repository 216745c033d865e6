using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Microsoft.AspNetCore.Diagnostics;

namespace BackupPlatform.IngestService;

/// <summary>A store that is away or full is an outage of the platform, not a bug of the service.</summary>
internal sealed class StoreProblems(ILogger<StoreProblems> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not BlobStoreException)
        {
            return false;
        }

        log.LogWarning(exception, "The store did not do what it was asked");
        var detail = exception is StoreFullException
            ? "The platform's storage is full; its operator has to add some."
            : "The platform's storage did not answer; try again in a moment.";
        await Refusal.Unavailable(detail).ToResult().ExecuteAsync(httpContext);
        return true;
    }
}
