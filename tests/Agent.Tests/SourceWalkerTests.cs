using System.Text;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Tests;

public sealed class SourceWalkerTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly List<string> _errors = [];
    private readonly List<string> _skipped = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenARandomTree_WhenWalked_ThenPathsAscendInTheCatalogsOrder()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var depth = random.Next(1, 5);
            var path = string.Join('/', Enumerable.Range(0, depth).Select(level => Name(random) + (level == depth - 1 ? ".f" : "")));
            _folder.Write(path, "");
        }

        var paths = Walk(_folder.Path).Select(entry => CatalogPaths.Of(entry.Path)).ToList();
        for (var i = 1; i < paths.Count; i++)
        {
            Assert.True(paths[i - 1] < paths[i], $"seed {seed}: {paths[i - 1]} before {paths[i]}");
        }

        Assert.Equal(
            Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Count(),
            paths.Count(path => path.IsUnder(CatalogPaths.Of(_folder.Path))));
    }

    [Fact]
    public void GivenNamesAroundTheSeparator_WhenWalked_ThenADirectorysContentFollowsIt()
    {
        _folder.Write("a/x", "");
        _folder.Write("a.b", "");
        _folder.Write("a!", "");
        Assert.Equal(["a", "a/x", "a!", "a.b"], Relative(Walk(_folder.Path)));
    }

    [Fact]
    public void GivenSeveralPaths_WhenWalked_ThenTheyAreOneTreeWithTheirParents()
    {
        _folder.Write("b/one/file", "1");
        _folder.Write("b/two/file", "2");
        _folder.Write("a/file", "3");
        var entries = Walk(_folder.At("b/two"), _folder.At("a/file"), _folder.At("b/two/file"));
        Assert.Equal(["a", "a/file", "b", "b/two", "b/two/file"], Relative(entries));
        Assert.Equal("/" + _folder.Path.Split('/')[1], Encoding.UTF8.GetString(entries[0].Path));
    }

    [Fact]
    public void GivenALinkAboveAPath_WhenWalked_ThenItIsPassedAsADirectory()
    {
        _folder.Write("real/file", "1");
        File.CreateSymbolicLink(_folder.At("alias"), "real");
        var entries = Walk(_folder.At("alias/file"));
        Assert.Equal(["alias", "alias/file"], Relative(entries));
        Assert.Equal(FileKind.Directory, entries.Single(entry => entry.Name.AsSpan().SequenceEqual("alias"u8)).Stat.Kind);
    }

    [Fact]
    public void GivenALinkToADirectory_WhenWalked_ThenItIsNotEntered()
    {
        _folder.Write("real/file", "1");
        File.CreateSymbolicLink(_folder.At("loop"), ".");
        var link = Walk(_folder.Path).Single(entry => entry.Name.AsSpan().SequenceEqual("loop"u8));
        Assert.Equal("."u8.ToArray(), link.LinkTarget);
    }

    [Fact]
    public void GivenTheAgentsHome_WhenWalked_ThenItIsLeftOut()
    {
        _folder.Write("home/machine.json", "{}");
        _folder.Write("other", "");
        var home = FileSystem.StatFollowing(_folder.BytesOf("home"));
        Assert.Equal(["other"], Relative(Walk(home, _folder.Path)));
        Assert.Single(_skipped);
    }

    [Fact]
    public void GivenAMissingPath_WhenWalked_ThenItIsNamedAndTheOthersCome()
    {
        _folder.Write("there", "");
        Assert.Equal(["there"], Relative(Walk(_folder.At("there"), _folder.At("gone"))));
        Assert.Contains(_errors, error => error.Contains("gone", StringComparison.Ordinal));
    }

    [Fact]
    public void GivenASocketOrPipe_WhenWalked_ThenItIsSkipped()
    {
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_folder.At("socket")));
        Assert.Empty(Relative(Walk(_folder.Path)));
        Assert.Single(_skipped);
        Assert.Empty(_errors);
    }

    private static string Name(Random random)
    {
        var name = string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => "ab.!-~é"[random.Next(7)]));
        return name is "." or ".." ? "dots" : name;
    }

    private List<SourceEntry> Walk(params string[] paths) => Walk(null, paths);

    private List<SourceEntry> Walk(FileStat? excluded, params string[] paths)
    {
        var notes = new WalkNotes(
            (path, _, why) => _errors.Add(PathText.ForPeople(path) + why), (path, why) => _skipped.Add(PathText.ForPeople(path) + why));
        return [.. new SourceWalker(SourceSelection.Of(paths.Select(Encoding.UTF8.GetBytes)), excluded, notes).Walk()];
    }

    private List<string> Relative(IEnumerable<SourceEntry> entries) => entries
        .Select(entry => Encoding.UTF8.GetString(entry.Path))
        .Where(path => path.StartsWith(_folder.Path + "/", StringComparison.Ordinal))
        .Select(path => path[(_folder.Path.Length + 1)..])
        .ToList();
}
