using System.Security.Cryptography;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Marten;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BackupPlatform.RestoreService.Jobs;

internal static class StoreSelectionEndpoint
{
    public static void MapStoreSelection(this WebApplication app) =>
        app.MapPut("/api/restore-jobs/{jobId:guid}/selection", HandleAsync)
            .Accepts<byte[]>(ChunkIdLists.MediaType)
            .Produces<RestoreJobDocument>(StatusCodes.Status202Accepted);

    /// <remarks>
    /// The blob is durable before the job says that it is there. An answer that got lost makes the agent send the selection again:
    /// it is compared with what is stored, never written over.
    /// </remarks>
    private static async Task<IResult> HandleAsync(Guid jobId, HttpContext http, IDocumentStore store, IBlobStore blobs, TimeProvider clock)
    {
        if (await RestoreJobs.FindOwnAsync(store, http, jobId) is not { } job)
        {
            return Refusal.NotFound("restore job").ToResult();
        }

        LiftLimits(http);
        var blob = RestoreJobBlobs.Selection(jobId);
        var selection = job.State == RestoreJobState.Requested
            ? await UploadAsync(http, blobs, blob)
            : await Selection.ReadAsync(http.Request.Body, (_, _) => ValueTask.CompletedTask, http.RequestAborted);
        RestoreJob? state = null;
        var decision = await store.DecideAsync<RestoreJob>(
            jobId,
            current => RestoreJob.AcceptSelection(state = current, blob, selection.Hash, selection.Chunks, clock.GetUtcNow()),
            http.RequestAborted);
        return decision.Refusal is { } refusal
            ? refusal.ToResult()
            : Results.Accepted($"/api/restore-jobs/{jobId:D}", decision.Events.Aggregate(state!, RestoreJob.Fold).ToDocument());
    }

    private static async Task<Selection> UploadAsync(HttpContext http, IBlobStore blobs, string name)
    {
        await using var upload = await blobs.CreateAsync(name, http.RequestAborted);
        var selection = await Selection.ReadAsync(http.Request.Body, upload.WriteAsync, http.RequestAborted);
        try
        {
            await upload.CommitAsync(http.RequestAborted);
            return selection;
        }
        catch (BlobExistsException)
        {
            // Stored by an attempt that did not live to say so, or by one that runs beside this one: fine if it is the same.
            await using var stored = await blobs.OpenReadAsync(name, http.RequestAborted);
            var same = stored is not null
                && await Selection.ReadAsync(stored, (_, _) => ValueTask.CompletedTask, http.RequestAborted) == selection;
            return same ? selection : throw new RefusedException(new Refusal(
                ProblemCodes.Conflict, "The restore job has another selection already; request a new restore job."));
        }
    }

    private static void LiftLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = (Selection.MaxChunks * Selection.IdSize) + 1;
        }

        // An agent may look up what it selects while it sends.
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new MinDataRate(bytesPerSecond: 1, gracePeriod: TimeSpan.FromMinutes(5));
        }
    }
}

/// <summary>A run of chunk ids as it was read.</summary>
/// <param name="Hash">SHA-256 in hexadecimal.</param>
/// <param name="Chunks">How many ids, at least 1.</param>
internal sealed record Selection(string Hash, long Chunks)
{
    public const int IdSize = 32;

    /// <summary>More than half a hundred terabytes of chunks of average size.</summary>
    public const long MaxChunks = 128 * 1024 * 1024;

    private const int BufferSize = 128 * 1024;

    /// <summary>Reads to the end and passes everything on; memory does not grow with the length.</summary>
    /// <exception cref="RefusedException">The bytes are no run of at least one id.</exception>
    public static async Task<Selection> ReadAsync(
        Stream body, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferSize];
        var length = 0L;
        while (await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
        {
            hash.AppendData(buffer, 0, read);
            length += read;
            await write(buffer.AsMemory(0, read), cancellationToken);
        }

        return length > 0 && length % IdSize == 0
            ? new Selection(Convert.ToHexStringLower(hash.GetHashAndReset()), length / IdSize)
            : throw new RefusedException(Refusal.Invalid(
                "selection", $"A selection is a run of chunk ids of {IdSize} bytes, at least one; {length} bytes came."));
    }
}

/// <summary>Where a restore job keeps what is too large for messages.</summary>
internal static class RestoreJobBlobs
{
    public static string Selection(Guid jobId) => $"restore-jobs/{jobId:D}/selection";
}
