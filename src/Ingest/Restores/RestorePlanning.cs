using BackupPlatform.Contracts.Restore;
using BackupPlatform.Formats;
using BackupPlatform.IngestService.Chunks;
using BackupPlatform.IngestService.Data;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Marten;
using Npgsql;

namespace BackupPlatform.IngestService.Restores;

/// <summary>Finds, checks and pins the chunks of a restore job and writes its plan.</summary>
/// <remarks>
/// Looked up, checked and written outside of any transaction: one that lasts would hold up all news of the service. The lease is
/// decided in a short one, which makes sure that the plan's packs are still what they were. Each attempt writes a plan of a name of
/// its own and removes it unless it is the one that was granted, so that no replica removes another's. What an attempt leaves that
/// crashed goes with the restore job.
/// </remarks>
internal sealed class RestorePlanning(
    NpgsqlDataSource database, IDocumentStore store, ExclusiveCommands commands, LostPacks lost, IBlobStore blobs, TimeProvider clock)
{
    /// <summary>How often packs may go between the look at them and the lease. Each time takes another loss or another collection.</summary>
    private const int MaxAttempts = 10;

    /// <summary>Plans once; the first answer counts.</summary>
    public async Task PlanAsync(RestoreRequested request, CancellationToken cancellationToken)
    {
        for (var attempt = 1; !await TryPlanAsync(request, cancellationToken); attempt++)
        {
            if (attempt == MaxAttempts)
            {
                throw new IOException($"The packs of restore job {request.StreamId:D} changed {MaxAttempts} times while it was planned.");
            }
        }
    }

    private async Task<bool> TryPlanAsync(RestoreRequested request, CancellationToken cancellationToken)
    {
        await using (var session = store.QuerySession())
        {
            if (await session.LoadAsync<RestoreLease>(request.StreamId, cancellationToken) is { } lease)
            {
                if (lease.State == RestoreLeaseState.Ended)
                {
                    await DeletePlansAsync(request.StreamId, cancellationToken);
                }

                return true;
            }
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var draft = new PlanDraft(connection, database, blobs, lost, clock);
        WrittenPlan plan;
        try
        {
            plan = await draft.WriteAsync(request, cancellationToken);
        }
        catch (RefusedException e)
        {
            await AnswerAsync(
                request, [], new RestoreLeaseRefused(request.StreamId, e.Refusal.Code, e.Refusal.Detail, clock.GetUtcNow()), cancellationToken);
            return true;
        }

        // Where this throws nobody knows whether the plan was granted, and it stays.
        var outcome = await AnswerAsync(
            request,
            plan.Head.Packs,
            new RestoreLeaseGranted(
                request.StreamId, request.RecoveryPointId, plan.Blob, plan.Head.EntryCount, plan.Head.FrameBytes, clock.GetUtcNow()),
            cancellationToken);
        if (outcome != Outcome.Answered)
        {
            await blobs.DeleteAsync(plan.Blob, cancellationToken);
        }

        return outcome != Outcome.PacksChanged;
    }

    /// <summary>The job ended before it was planned, and its blobs were removed: what an attempt left that crashed since has nobody else.</summary>
    private async Task DeletePlansAsync(Guid restoreJobId, CancellationToken cancellationToken)
    {
        await foreach (var blob in blobs.ListAsync(RestorePlan.Folder(restoreJobId), cancellationToken))
        {
            await blobs.DeleteAsync(blob.Name, cancellationToken);
        }
    }

    private async Task<Outcome> AnswerAsync(
        RestoreRequested request, IReadOnlyList<Guid> packs, object answer, CancellationToken cancellationToken)
    {
        var outcome = Outcome.Answered;
        await commands.RunAsync(
            request.StreamId,
            async transaction =>
            {
                outcome = Outcome.Answered;
                if (packs.Count > 0 && !await TryLeaseAsync(transaction.Connection, request.StreamId, packs, cancellationToken))
                {
                    outcome = Outcome.PacksChanged;
                    return Refusal.Unavailable("Packs of the plan have gone.");
                }

                var decision = await transaction.Session.DecideAsync<RestoreLease>(
                    request.StreamId, state => RestoreLease.Answer(state, answer), cancellationToken);
                outcome = decision.Events.Count > 0 ? Outcome.Answered : Outcome.AnsweredBefore;
                // Not to be leased once more by a plan that is not granted.
                return outcome == Outcome.Answered ? decision : Refusal.Unavailable("The restore job has been answered.");
            },
            cancellationToken);
        return outcome;
    }

    /// <summary>Pins the packs, all of them live; they cannot be lost or collected before this transaction ends.</summary>
    private static async Task<bool> TryLeaseAsync(
        NpgsqlConnection connection, Guid restoreJobId, IReadOnlyList<Guid> packs, CancellationToken cancellationToken)
    {
        var ids = packs.ToArray();
        await connection.Bulk(
            """
            insert into bulk.lease_packs (lease_id, pack_id)
            select $1, p.id from (select id from bulk.packs where id = any($2) and state = 1 order by id for share) p
            on conflict do nothing
            """,
            restoreJobId, ids).RunAsync(cancellationToken);
        await using var count = connection.Bulk("select count(*) from bulk.lease_packs where lease_id = $1", restoreJobId);
        return await count.ExecuteScalarAsync(cancellationToken) is long leased && leased == ids.Length;
    }

    private enum Outcome
    {
        Answered,
        AnsweredBefore,
        PacksChanged,
    }
}
