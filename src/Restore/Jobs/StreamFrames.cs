using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Storage;
using Marten;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BackupPlatform.RestoreService.Jobs;

internal static class StreamFramesEndpoint
{
    public static void MapStreamFrames(this WebApplication app) =>
        app.MapGet("/api/restore-jobs/{jobId:guid}/frames", HandleAsync)
            .Produces<byte[]>(StatusCodes.Status200OK, ChunkIdLists.FramesMediaType);

    /// <remarks>
    /// Damage that is found before the first byte is a problem answer. After that only a broken transfer can tell: the agent asks
    /// the job then, which has failed and says why.
    /// </remarks>
    private static async Task<IResult> HandleAsync(
        Guid jobId, long? from, HttpContext http, IDocumentStore store, IBlobStore blobs, TimeProvider clock, ILogger<FrameStream> log)
    {
        if (await RestoreJobs.FindOwnAsync(store, http, jobId) is null)
        {
            return Refusal.NotFound("restore job").ToResult();
        }

        RestoreJob? job = null;
        var opened = await store.DecideAsync<RestoreJob>(
            jobId, state => RestoreJob.OpenStream(job = state, clock.GetUtcNow()), http.RequestAborted);
        if (opened.Refusal is { } refusal)
        {
            return refusal.ToResult();
        }

        AllowSlowReaders(http);
        try
        {
            var stillWanted = new Heartbeat(store, jobId, http, clock);
            await new FrameStream(blobs, job!.PlanBlob!).WriteAsync(http.Response, from ?? 0, stillWanted.BeatAsync, http.RequestAborted);
            return Results.Empty;
        }
        catch (DamageException damage)
        {
            log.LogError("Restore job {JobId}: {Damage}", jobId, damage.Message);
            await store.DecideAsync<RestoreJob>(
                jobId, state => RestoreJob.Fail(state, ProblemCodes.Integrity, damage.Message, clock.GetUtcNow()), CancellationToken.None);
            return Break(http, new Refusal(ProblemCodes.Integrity, damage.Message));
        }
        catch (RefusedException ended)
        {
            return Break(http, ended.Refusal);
        }
        catch (BlobStoreException away)
        {
            log.LogWarning(away, "Restore job {JobId}: the store does not answer", jobId);
            return Break(http, Refusal.Unavailable("The store does not answer; try again in a moment."));
        }
    }

    private static IResult Break(HttpContext http, Refusal refusal)
    {
        if (!http.Response.HasStarted)
        {
            return refusal.ToResult();
        }

        http.Abort();
        return Results.Empty;
    }

    /// <summary>An agent whose disk is slow reads slowly; that alone ends no restore.</summary>
    private static void AllowSlowReaders(HttpContext http)
    {
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new MinDataRate(bytesPerSecond: 1, gracePeriod: TimeSpan.FromMinutes(5));
        }
    }

    /// <summary>Keeps a job alive that is being streamed, and notices when it, or whose it is, has ended meanwhile.</summary>
    private sealed class Heartbeat(IDocumentStore store, Guid jobId, HttpContext http, TimeProvider clock)
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
        private long last = clock.GetTimestamp();

        /// <exception cref="RefusedException">The job or the caller's identity has ended.</exception>
        public async ValueTask BeatAsync(CancellationToken cancellationToken)
        {
            if (clock.GetElapsedTime(last) < Interval)
            {
                return;
            }

            last = clock.GetTimestamp();
            var gate = http.RequestServices.GetRequiredService<IdentityGate>();
            if (await gate.CheckAsync(http.Caller(), cancellationToken) is { } ended)
            {
                throw new RefusedException(ended);
            }

            var decision = await store.DecideAsync<RestoreJob>(
                jobId, state => RestoreJob.Touch(state, clock.GetUtcNow()), cancellationToken);
            if (decision.Refusal is { } refusal)
            {
                throw new RefusedException(refusal);
            }
        }
    }
}
