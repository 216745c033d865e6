using BackupPlatform.IngestService.Data;
using BackupPlatform.Platform.Sweeps;
using BackupPlatform.Storage;
using Npgsql;

namespace BackupPlatform.IngestService.Segments;

/// <summary>Removes what attempts to store a segment left behind that crashed: their intents, and blobs that nothing refers to.</summary>
/// <remarks>
/// An attempt is given up when its job has ended, or after a day; from then on it cannot be committed, and its blob goes. One that
/// still writes removes its blob itself when it finds that out. The row stays for another day, and the blob is looked for once more
/// before it goes: the attempt may have crashed right after its blob was there. A committed pack is never touched.
/// </remarks>
internal sealed class StrandedSegments(
    NpgsqlDataSource database, IBlobStore blobs, TimeProvider clock, ILogger<StrandedSegments> log) : PeriodicSweep(clock, log)
{
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24);

    private readonly TimeProvider clock = clock;

    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - GiveUpAfter;
        foreach (var attempt in await database.StrandedAsync(since, cancellationToken))
        {
            if (await database.TryAbandonAsync(attempt.PackId, cancellationToken))
            {
                await DeleteBlobAsync(attempt, cancellationToken);
            }
        }

        foreach (var attempt in await database.GivenUpAsync(since - GiveUpAfter, cancellationToken))
        {
            await DeleteBlobAsync(attempt, cancellationToken);
            await database.ForgetAsync(attempt.PackId, cancellationToken);
        }
    }

    private async Task DeleteBlobAsync(PackAttempt attempt, CancellationToken cancellationToken) =>
        await blobs.DeleteAsync(BlobNames.Pack(attempt.VaultId, attempt.MachineId, attempt.PackId), cancellationToken);
}
