using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Agent.Output;
using BackupPlatform.Agent.Restore;
using BackupPlatform.Engine;
using BackupPlatform.Formats;
using RestorePlan = BackupPlatform.Agent.Restore.RestorePlan;

namespace BackupPlatform.Agent.Tests;

public sealed class RestoreFilesTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly PathErrors _errors = new(new Report(TextWriter.Null, TextWriter.Null, json: false, quiet: true));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task GivenPiecesInAnyOrder_WhenWritten_ThenTheFilesAreRightAndHiddenUntilThen()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var content = new byte[200_000];
        random.NextBytes(content);
        var plan = await PlanAsync(("dir", null), ("dir/file", content), ("dir/small", content[..1000]));
        Directory.CreateDirectory(_folder.At("dir"));
        using var target = TargetTree.Create(_folder.Bytes);
        using var writer = Writer(target, plan, ConflictRule.Fail);
        var chunks = plan.Pieces.Keys.ToArray();
        random.Shuffle(chunks);
        Assert.False(File.Exists(_folder.At("dir/file")), $"seed {seed}");
        foreach (var id in chunks)
        {
            writer.Receive(id, Chunks[id]);
            writer.Receive(id, Chunks[id]);
        }

        Assert.Equal(content, File.ReadAllBytes(_folder.At("dir/file")));
        Assert.Equal(content[..1000], File.ReadAllBytes(_folder.At("dir/small")));
        Assert.Equal(2, writer.FilesRestored);
        Assert.Equal(201_000, writer.BytesRestored);
        Assert.Equal((UnixFileMode)0b110_100_000, File.GetUnixFileMode(_folder.At("dir/file")));
        Assert.Equal(new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc), File.GetLastWriteTimeUtc(_folder.At("dir/file")));
        Assert.Equal(["file", "small"], Directory.GetFiles(_folder.At("dir")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task GivenADamagedChunk_WhenWritten_ThenItsFilesAreNamedAndLeaveNothing()
    {
        var plan = await PlanAsync(("bad", new byte[100_000]), ("good", [1, 2, 3]));
        using var target = TargetTree.Create(_folder.Bytes);
        var writer = Writer(target, plan, ConflictRule.Fail);
        var bad = plan.Pieces.First(pair => pair.Value.Exists(piece => piece.Entry == 0)).Key;
        foreach (var id in plan.Pieces.Keys.Where(id => id != bad))
        {
            writer.Receive(id, Chunks[id]);
        }

        writer.Damaged(bad, "broken");
        writer.Dispose();
        Assert.True(writer.FoundDamage);
        Assert.Equal(1, _errors.Count);
        Assert.Equal([_folder.At("good")], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task GivenALinkInTheTarget_WhenRestoringBelowIt_ThenNothingIsWrittenThroughIt()
    {
        using var elsewhere = new TestFolder();
        File.CreateSymbolicLink(_folder.At("dir"), elsewhere.Path);
        var plan = await PlanAsync(("dir", null), ("dir/empty", []), ("dir/file", [1, 2, 3]));
        using var target = TargetTree.Create(_folder.Bytes);
        using var writer = Writer(target, plan, ConflictRule.Overwrite);
        writer.WriteEmpty(1);
        foreach (var id in plan.Pieces.Keys)
        {
            writer.Receive(id, Chunks[id]);
        }

        Assert.Empty(Directory.GetFileSystemEntries(elsewhere.Path));
        Assert.Equal(2, _errors.Count);
    }

    [Theory]
    [InlineData(nameof(ConflictRule.Fail), "old", 1)]
    [InlineData(nameof(ConflictRule.Skip), "old", 0)]
    [InlineData(nameof(ConflictRule.Overwrite), "new", 0)]
    [InlineData(nameof(ConflictRule.Rename), "old", 0)]
    public async Task GivenAFileThatIsThere_WhenRestoredOnto_ThenTheRuleDecides(string rule, string expected, int errors)
    {
        _folder.Write("file", "old");
        var plan = await PlanAsync(("file", "new"u8.ToArray()));
        using var target = TargetTree.Create(_folder.Bytes);
        using var writer = Writer(target, plan, Enum.Parse<ConflictRule>(rule));
        foreach (var id in plan.Pieces.Keys)
        {
            writer.Receive(id, Chunks[id]);
        }

        Assert.Equal(expected, File.ReadAllText(_folder.At("file")));
        Assert.Equal(errors, _errors.Count);
        Assert.Equal(rule == nameof(ConflictRule.Rename), File.Exists(_folder.At("file.restored")));
        Assert.Equal(rule == nameof(ConflictRule.Rename) ? 2 : 1, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public async Task GivenFilesThatAreThere_WhenNothingMayBeOverwritten_ThenTheyAreNamedBeforeAnything()
    {
        _folder.Write("dir/file", "old");
        var plan = await PlanAsync(("dir", null), ("dir/file", [1]), ("dir/other", [2]));
        using var target = TargetTree.Create(_folder.Bytes);
        var refusal = Assert.Throws<AgentException>(() => ConflictCheck.Refuse(target, plan));
        Assert.Equal((1, "conflict"), (refusal.ExitStatus, refusal.Code));
        Assert.Contains("/dir/file", refusal.Message);
        Assert.DoesNotContain("/dir/other", refusal.Message);
    }

    [Fact]
    public async Task GivenMoreFilesThanMayBeOpen_WhenTheirPiecesAlternate_ThenAllAreRight()
    {
        var files = Enumerable.Range(0, 600).Select(i => ($"f{i:D4}", (byte[]?)[.. BitConverter.GetBytes(i), .. BitConverter.GetBytes(~i)])).ToArray();
        var plan = await PlanAsync(files, pieceLength: 4);
        using var target = TargetTree.Create(_folder.Bytes);
        using var writer = Writer(target, plan, ConflictRule.Fail);
        foreach (var id in plan.Pieces.OrderBy(pair => pair.Value[0].Position).Select(pair => pair.Key))
        {
            writer.Receive(id, Chunks[id]);
        }

        Assert.Equal(600, writer.FilesRestored);
        Assert.All(files, file => Assert.Equal(file.Item2, File.ReadAllBytes(_folder.At(file.Item1))));
    }

    private Dictionary<ChunkId, byte[]> Chunks { get; } = [];

    private FileWriter Writer(TargetTree target, RestorePlan plan, ConflictRule rule) => new(target, plan, rule, _errors, new Shortfalls(), new Progress());

    private ValueTask<RestorePlan> PlanAsync(params (string Path, byte[]? Content)[] entries) => PlanAsync(entries, 4096);

    /// <summary>A plan as from a recovery point; a file's content in pieces, each in the middle of a chunk of its own.</summary>
    private async ValueTask<RestorePlan> PlanAsync((string Path, byte[]? Content)[] entries, int pieceLength)
    {
        using var masterKey = MasterKey.Generate();
        using var keys = new KeyRing(masterKey, Guid.Empty);
        var pages = new MemoryPages();
        var catalog = new CatalogWriter(keys, pages.AddAsync);
        foreach (var (path, content) in entries)
        {
            var extents = (content ?? []).Chunk(pieceLength).Select(piece =>
            {
                byte[] chunk = [9, .. piece, 9];
                var id = keys.Identify(ChunkKind.Data, [.. System.Text.Encoding.UTF8.GetBytes(path + Chunks.Count), .. chunk]);
                Chunks.Add(id, chunk);
                return new Extent(id, 1, piece.Length);
            });
            await catalog.AppendAsync(new CatalogEntry
            {
                Path = CatalogPath.FromText(path),
                Kind = content is null ? CatalogEntryKind.Directory : CatalogEntryKind.File,
                Mode = 0b110_100_000,
                UserId = Libc.EffectiveUser(),
                Size = content?.Length ?? 0,
                ModifiedNanoseconds = 981173106_000_000_000,
                Extents = [.. extents],
            });
        }

        var losses = new CatalogLosses(new PathErrors(new Report(TextWriter.Null, TextWriter.Null, json: false, quiet: true)));
        return await RestorePlan.CreateAsync(new CatalogReader(pages, await catalog.FinishAsync()), [], losses, default);
    }

    private sealed class MemoryPages : ICatalogPages
    {
        private readonly Dictionary<ChunkId, byte[]> _pages = [];

        public ValueTask AddAsync(ChunkId id, ReadOnlyMemory<byte> page)
        {
            _pages[id] = page.ToArray();
            return ValueTask.CompletedTask;
        }

        public ValueTask<ReadOnlyMemory<byte>> ReadAsync(ChunkId id, CancellationToken cancellationToken) => new(_pages[id]);
    }
}
