using System.Text;
using BackupPlatform.Agent.Backup;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Restore;
using BackupPlatform.Engine;
using BackupPlatform.Formats;
using RestorePlan = BackupPlatform.Agent.Restore.RestorePlan;

namespace BackupPlatform.Agent.Tests;

/// <summary>What a backup says of a path.</summary>
internal readonly record struct Told(string Path, string Code);

/// <summary>What a pass over sources gave.</summary>
internal sealed record LocalPoint(CatalogRoot Root, BackupTotals Totals, IReadOnlyList<Told> Errors, IReadOnlyList<string> Skipped, long NewBytes);

/// <summary>What a restore gave.</summary>
internal sealed record LocalRestore(long Files, bool FoundDamage, bool FellShort, IReadOnlyList<Told> Errors);

/// <summary>Backs up and restores with everything but the platform: chunks stay in memory, in the clear.</summary>
internal sealed class LocalVault : ICatalogPages, IDisposable
{
    private readonly MasterKey _masterKey = MasterKey.Generate();
    private readonly KeyRing _keys;
    private readonly Dictionary<ChunkId, byte[]> _pages = [];

    public LocalVault() => _keys = new KeyRing(_masterKey, Guid.Empty);

    /// <summary>Called before a data chunk is taken: while a file is being read, or many small ones have been.</summary>
    public Action? OnChunk { get; set; }

    /// <summary>Data chunks.</summary>
    public Dictionary<ChunkId, byte[]> Chunks { get; } = [];

    public void Dispose()
    {
        _keys.Dispose();
        _masterKey.Dispose();
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken) => new(_pages[id]);

    public CatalogReader Catalog(LocalPoint point) => new(this, point.Root);

    public Task<LocalPoint> BackUpAsync(LocalPoint? before, params string[] paths) => BackUpAsync(before, null, paths);

    public async Task<LocalPoint> BackUpAsync(LocalPoint? before, ExcludeRules? rules, params string[] paths)
    {
        var (errors, skipped, bytes) = (new PathErrors(Silent()), new List<string>(), 0L);
        var references = new ChunkReferences(new HashSet<ChunkId>());
        await using var basis = before is null ? null : await BaseCatalog.OpenAsync(
            Catalog(before), await Catalog(before).ReadPageIdsAsync().ToListAsync(), references, default);
        var pass = new BackupPass(_keys, references, basis, Add, new PageMemory(), errors, new Progress());
        var walker = new SourceWalker(
            SourceSelection.Of(paths.Select(Encoding.UTF8.GetBytes)),
            null,
            new WalkNotes(errors.Add, (path, _) => skipped.Add(PathText.ForPeople(path))),
            rules);
        var root = await pass.RunAsync(walker, default);
        CheckReferences(references);
        return new LocalPoint(root, pass.Totals, Tell(errors), skipped, bytes);

        ValueTask Add(ChunkKind kind, ChunkId id, ReadOnlyMemory<byte> content)
        {
            if (kind == ChunkKind.Data)
            {
                OnChunk?.Invoke();
            }

            (kind == ChunkKind.Data ? Chunks : _pages)[id] = content.ToArray();
            bytes += kind == ChunkKind.Data ? content.Length : 0;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Restores; no paths: everything.</summary>
    public async Task<LocalRestore> RestoreAsync(
        LocalPoint point, string target, ConflictRule rule = ConflictRule.Fail, Action<PlanWriter>? beforeEnd = null, params string[] paths)
    {
        var errors = new PathErrors(Silent());
        var plan = await RestorePlan.CreateAsync(Catalog(point), [.. paths.Select(CatalogPaths.Of)], new CatalogLosses(errors), default);
        using var tree = TargetTree.Create(Encoding.UTF8.GetBytes(target));
        using var writer = new PlanWriter(tree, plan, [], rule, errors, new Progress());
        writer.Begin(verify: true);
        var ids = plan.Pieces.Keys.ToArray();
        Random.Shared.Shuffle(ids);
        Parallel.ForEach(ids, id =>
        {
            if (Chunks.TryGetValue(id, out var chunk))
            {
                writer.Receiver.Receive(id, chunk);
            }
            else
            {
                writer.Receiver.Damaged(id, "it is gone");
            }
        });
        beforeEnd?.Invoke(writer);
        var damaged = writer.Finish(default);
        var fellShort = writer.TellShortfalls();
        return new LocalRestore(writer.FilesRestored, damaged, fellShort, Tell(errors));
    }

    private static Report Silent() => new(TextWriter.Null, TextWriter.Null, json: false, quiet: true);

    private static List<Told> Tell(PathErrors errors) => [.. errors.Kept.Select(error => new Told(PathText.ForPeople(error.Path), error.Code))];

    /// <summary>What the point refers to is there: what a seal demands.</summary>
    private void CheckReferences(ChunkReferences references) =>
        Assert.All(references.New, id => Assert.True(Chunks.ContainsKey(id) || _pages.ContainsKey(id)));
}
