using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.ServiceDefaults;
using Marten;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>A restore job's states as server-sent events: the present one at once, then each that follows, up to a final one.</summary>
internal static class WatchRestoreJobEndpoint
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>Shorter than any proxy waits for a sign of life.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static void MapRestoreJobEvents(this WebApplication app) =>
        app.MapGet("/api/restore-jobs/{jobId:guid}/events", HandleAsync)
            .Produces<RestoreJobDocument>(StatusCodes.Status200OK, "text/event-stream");

    private static async Task<IResult> HandleAsync(Guid jobId, HttpContext http, IDocumentStore store, TimeProvider clock) =>
        await RestoreJobs.FindAsync(store, http, jobId) is { } job
            ? new StatesResult(job, store, clock)
            : Refusal.NotFound("restore job").ToResult();

    /// <remarks>It looks again and again: the change may be decided in another replica. To look is not to want: the job does not live on by it.</remarks>
    private sealed class StatesResult(RestoreJob found, IDocumentStore store, TimeProvider clock) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "text/event-stream";
            httpContext.Response.Headers.CacheControl = "no-store";
            try
            {
                await WriteAsync(httpContext.Response, httpContext.RequestAborted);
            }
            catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
            {
                // Whoever watched has gone.
            }
        }

        private async Task WriteAsync(HttpResponse response, CancellationToken cancellationToken)
        {
            RestoreJobDocument? told = null;
            var toldAt = clock.GetTimestamp();
            for (var job = found; ; job = await LoadAsync(cancellationToken))
            {
                var now = job.ToDocument();
                if (now != told)
                {
                    (told, toldAt) = (now, clock.GetTimestamp());
                    var json = JsonSerializer.Serialize(now, ContractsJson.Default.RestoreJobDocument);
                    await response.WriteAsync($"event: state\ndata: {json}\n\n", cancellationToken);
                }
                else if (clock.GetElapsedTime(toldAt) >= Heartbeat)
                {
                    toldAt = clock.GetTimestamp();
                    await response.WriteAsync(": still the same\n\n", cancellationToken);
                }

                if (now.EndedAt is not null)
                {
                    return;
                }

                await response.Body.FlushAsync(cancellationToken);
                await Task.Delay(Look, clock, cancellationToken);
            }
        }

        private async Task<RestoreJob> LoadAsync(CancellationToken cancellationToken)
        {
            await using var session = store.QuerySession();
            return (await session.LoadAsync<RestoreJob>(found.Id, cancellationToken))!;
        }
    }
}
