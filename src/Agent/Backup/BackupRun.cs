using System.Collections.Immutable;
using System.Diagnostics;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Platform;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>What a backup led to.</summary>
internal sealed record BackupOutcome(RecoveryPointDocument Point, BackupTotals Totals, long BytesUploaded, long ChunksNew);

/// <summary>
/// A backup of files: opens a job, goes through the sources, and seals the recovery point. Where the vault turns out to
/// lack a chunk that the base point has, the files that it belongs to are read again and the point is sealed then.
/// </summary>
internal sealed class BackupRun(CommandContext context, MachineSession session, string item, IReadOnlyList<byte[]> paths, PathErrors errors)
{
    private const int MaxPasses = 4;

    // Sources are told in the manifest, which has 64 KiB; nothing depends on their being complete.
    private const int MaxSourceBytes = 16 * 1024;

    private readonly Progress _progress = new() { Phase = "Backing up" };
    private long _bytesUploaded;
    private long _leftOut;
    private long _chunksNew;
    private int _nextSegment = 1;

    /// <summary>Whether to name what is left out.</summary>
    public bool Verbose { get; init; }

    /// <summary>Opens what is backed up instead of files, when the job is open; the one path is its name.</summary>
    public Func<StreamSource>? OpenStream { get; init; }

    /// <summary>What to leave out.</summary>
    public ExcludeRules? Rules { get; init; }

    /// <exception cref="AgentException">There is no recovery point, for this reason.</exception>
    public async Task<BackupOutcome> RunAsync(CancellationToken cancellation)
    {
        var job = await session.Ingest.OpenAsync(item, cancellation);
        try
        {
            return await RunAsync(job, cancellation);
        }
        catch when (OpenStream is not null)
        {
            // Nobody can go on with it: the next run reads another stream.
            await AbandonAsync(job);
            throw;
        }
    }

    private async Task<BackupOutcome> RunAsync(BackupJobDocument job, CancellationToken cancellation)
    {
        using var stream = OpenStream?.Invoke();
        Activity.Current?.SetTag("backup_platform.backup_job", job.Id);
        using var basePoint = job.BasePoint is { } point ? OpenedPoint.Open(session, item, point) : null;
        session.Heads.CheckNewest(item, basePoint?.Manifest, basePoint?.SealedManifest);
        _progress.BytesTotal = stream is null ? basePoint?.Manifest.BytesTotal ?? 0 : 0;

        await using var view = context.ShowProgress(_progress);
        await using var count = basePoint is null && stream is null && view.ShowsBars ? new SourceCount(CreateWalker(silent: true), _progress) : null;
        var distrusted = new HashSet<ChunkId>();
        var catalog = basePoint;
        for (var pass = 1; pass <= MaxPasses; pass++)
        {
            errors.Clear();
            var references = NewReferences();
            BaseCatalog? baseCatalog = null;
            SealAnswer answer;
            byte[] manifest;
            BackupTotals totals;
            try
            {
                (baseCatalog, catalog) = await OpenBaseAsync(catalog, references, cancellation);
                references = baseCatalog is null ? NewReferences() : references;
                (answer, manifest, totals) = await PassAsync(job, basePoint, baseCatalog, references, stream, cancellation);
            }
            catch (Exception e) when (stream is null && catalog is not null && IsDamage(e))
            {
                NoteUnreadable(e);
                catalog = null;
                continue;
            }
            finally
            {
                await (baseCatalog?.DisposeAsync() ?? ValueTask.CompletedTask);
            }

            if (answer.Point is { } sealedPoint)
            {
                session.Heads.Remember(item, sealedPoint.Sequence, Manifest.Hash(manifest));
                session.Pages(item).Trim(references.New);
                return new BackupOutcome(sealedPoint, totals, _bytesUploaded, _chunksNew);
            }

            distrusted.UnionWith(answer.Missing);
            if (stream is not null)
            {
                break;
            }
        }

        throw AgentException.Failed(
            $"The vault still lacks {distrusted.Count} chunks of what was sent. Run the backup again; ask the vault's operator if it "
            + "happens again.",
            "integrity");

        ChunkReferences NewReferences() => new(distrusted) { TrustsBase = stream is null };
    }

    /// <summary>
    /// The catalog that the backup builds on. Where it cannot be read, because it is lost, or its point has expired or was deleted and
    /// no copy is here, there is none: everything is read, and what the vault has is still not sent again.
    /// </summary>
    private async Task<(BaseCatalog? Base, OpenedPoint? Point)> OpenBaseAsync(
        OpenedPoint? point, ChunkReferences references, CancellationToken cancellation)
    {
        try
        {
            return point is null ? (null, null) : (await BaseCatalog.OpenAsync(point, references, cancellation), point);
        }
        catch (Exception e) when (IsDamage(e) || e is AgentException { Code: ProblemCodes.Conflict })
        {
            NoteUnreadable(e);
            return (null, null);
        }
    }

    private void NoteUnreadable(Exception why) =>
        context.Report.Note($"The catalog of the newest recovery point cannot be read ({why.Message}): everything is read again.");

    private async Task<(SealAnswer Answer, byte[] SealedManifest, BackupTotals Totals)> PassAsync(
        BackupJobDocument job,
        OpenedPoint? basePoint,
        BaseCatalog? baseCatalog,
        ChunkReferences references,
        StreamSource? stream,
        CancellationToken cancellation)
    {
        var startedAt = context.Time.GetUtcNow();
        _leftOut = 0;
        var upload = new ChunkUpload(session.Ingest, job.Id, session.Keys, _nextSegment, _progress, cancellation);
        CatalogRoot root;
        BackupPass pass;
        try
        {
            pass = new BackupPass(session.Keys, references, baseCatalog, upload.AddAsync, session.Pages(item), errors, _progress);
            root = stream is not null ? await pass.RunAsync(stream, cancellation) : await pass.RunAsync(CreateWalker(), cancellation);
            pass.Totals.LeftOut = _leftOut;
            await upload.CompleteAsync();
        }
        finally
        {
            await upload.DisposeAsync();
            // Also of a pass that failed: another one of this job goes on behind what was sent.
            _bytesUploaded += upload.BytesSent;
            _chunksNew += upload.ChunksSent;
            _nextSegment = upload.NextSegment;
        }

        var manifest = Describe(job, basePoint, startedAt, root, pass.Totals).Seal(session.Keys);
        return (await SealAsync(job, baseCatalog is not null, references, manifest, cancellation), manifest, pass.Totals);
    }

    /// <summary>Whether what is stored is gone or not what it was; without the base's catalog a backup is still possible.</summary>
    private static bool IsDamage(Exception e) => e is DamagedDataException or AgentException { Code: ProblemCodes.Integrity };

    /// <summary>Ends a job, briefly: the next one of the item ends it, too.</summary>
    private async Task AbandonAsync(BackupJobDocument job)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await session.Ingest.CancelAsync(job.Id, limit.Token);
        }
        catch (Exception e) when (e is AgentException or OperationCanceledException)
        {
        }
    }

    private SourceWalker CreateWalker(bool silent = false) => new(
        SourceSelection.Of(paths),
        context.Home.Stat(),
        silent ? new WalkNotes((_, _, _) => { }, (_, _) => { }) : new WalkNotes(errors.Add, NoteSkipped),
        Rules);

    private void NoteSkipped(byte[] path, string why)
    {
        _leftOut++;
        if (Verbose)
        {
            context.Report.Note($"{PathText.ForPeople(path)}: {why}, left out");
        }
    }

    private Manifest Describe(
        BackupJobDocument job, OpenedPoint? basePoint, DateTimeOffset startedAt, CatalogRoot root, BackupTotals totals) => new()
    {
        MachineId = session.Machine.Id,
        Item = item,
        Sequence = job.NextSequence,
        CreatedAt = startedAt,
        PreviousHash = basePoint is null ? default(ReadOnlyMemory<byte>) : Manifest.Hash(basePoint.SealedManifest),
        Root = root,
        Sources = Sources(),
        FilesTotal = totals.Files,
        BytesTotal = totals.Bytes,
        EntriesIncomplete = errors.Count,
        AgentVersion = AgentVersion.Text,
        HostName = Environment.MachineName,
    };

    private ImmutableArray<CatalogPath> Sources()
    {
        var length = 0;
        return [.. paths.Select(path => CatalogPaths.Of(path)).TakeWhile(path => (length += path.Span.Length + 8) < MaxSourceBytes)];
    }

    private Task<SealAnswer> SealAsync(
        BackupJobDocument job, bool onBase, ChunkReferences references, byte[] manifest, CancellationToken cancellation)
    {
        var added = references.Added();
        var dropped = references.Dropped();
        var header = new SealDeltaHeader(
            onBase ? job.BasePoint!.Sequence : 0, job.NextSequence, references.New.Count, references.SetHash(), manifest);
        return session.Ingest.SealAsync(job.Id, stream => WriteDeltaAsync(stream, header, added, dropped, cancellation), cancellation);
    }

    private static async Task WriteDeltaAsync(
        Stream stream, SealDeltaHeader header, List<ChunkId> added, List<ChunkId> dropped, CancellationToken cancellation)
    {
        var writer = await SealDeltaWriter.CreateAsync(stream, header, cancellation);
        foreach (var id in added)
        {
            await writer.AddAsync(id, cancellation);
        }

        foreach (var id in dropped)
        {
            await writer.DropAsync(id, cancellation);
        }

        await writer.CompleteAsync(cancellation);
    }
}
