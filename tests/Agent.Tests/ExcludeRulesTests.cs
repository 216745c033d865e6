using System.Text;
using BackupPlatform.Agent.Files;
using BackupPlatform.Testing;

namespace BackupPlatform.Agent.Tests;

public sealed class ExcludeRulesTests : IDisposable
{
    private readonly TempFolder _folder = new("exclude");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("*.tmp", "/s/a.tmp", true)]
    [InlineData("*.tmp", "/s/x/y/a.tmp", true)]
    [InlineData("*.tmp", "/s/a.TMP", false)]
    [InlineData("*.tmp", "/s/a.tmp2", false)]
    [InlineData("a*b*c", "/s/aXXbYYbZc", true)]
    [InlineData("a*b*c", "/s/aXXbYYbZd", false)]
    [InlineData("?", "/s/é", true)]
    [InlineData("??", "/s/é", false)]
    [InlineData("[a-c]x", "/s/bx", true)]
    [InlineData("[!a-c]x", "/s/bx", false)]
    [InlineData("[^a-c]x", "/s/dx", true)]
    [InlineData("[]]", "/s/]", true)]
    [InlineData("[α-ω]", "/s/λ", true)]
    [InlineData("[a\\]]", "/s/]", true)]
    [InlineData("\\*", "/s/*", true)]
    [InlineData("\\*", "/s/a", false)]
    [InlineData("\\!x", "/s/!x", true)]
    [InlineData("dir/", "/s/dir", false)]
    [InlineData("dir/", "/s/dir/", true)]
    [InlineData("a/b", "/s/a/b", true)]
    [InlineData("a/b", "/s/x/a/b", false)]
    [InlineData("./b", "/s/b", true)]
    [InlineData("./b", "/s/x/b", false)]
    [InlineData("a/*", "/s/a/b", true)]
    [InlineData("a/*", "/s/a/b/c", false)]
    [InlineData("**/a/b", "/s/x/y/a/b", true)]
    [InlineData("**/a/b", "/s/a/b", true)]
    [InlineData("a/**/b", "/s/a/b", true)]
    [InlineData("a/**/b", "/s/a/x/y/b", true)]
    [InlineData("a/**/b", "/s/x/a/b", false)]
    [InlineData("a/**", "/s/a/x/y", true)]
    [InlineData("a/**", "/s/a", false)]
    [InlineData("/s/a", "/s/a", true)]
    [InlineData("/a", "/s/a", false)]
    [InlineData("/**/a", "/s/x/a", true)]
    public void GivenAPattern_WhenMatched_ThenAsItIsDocumented(string pattern, string path, bool excluded)
    {
        var rules = new ExcludeRules();
        rules.Add(Encoding.UTF8.GetBytes(pattern));
        Assert.Equal(excluded, rules.Excludes(Encoding.UTF8.GetBytes(path.TrimEnd('/')), "/s"u8, path.EndsWith('/')));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("!")]
    [InlineData("[a")]
    [InlineData("a\\")]
    public void GivenNoPattern_WhenAdded_ThenRefused(string pattern) =>
        Assert.Throws<FormatException>(() => new ExcludeRules().Add(Encoding.UTF8.GetBytes(pattern)));

    [Fact]
    public void GivenNamesThatAreNoText_WhenMatched_ThenByTheirBytes()
    {
        var rules = new ExcludeRules();
        rules.Add([0xff, (byte)'?', (byte)'[', 0x80, (byte)'-', 0x90, (byte)']']);
        Assert.True(rules.Excludes([(byte)'/', 0xff, 0xfe, 0x85], "/"u8, false));
        Assert.False(rules.Excludes([(byte)'/', 0xff, 0xfe, 0x95], "/"u8, false));
        Assert.False(rules.Excludes([(byte)'/', 0xfe, 0xfe, 0x85], "/"u8, false));
    }

    [Fact]
    public void GivenAnExcludedName_WhenALaterRuleKeepsIt_ThenItIsKept()
    {
        File.WriteAllText(_folder.Combine("rules"), "# a comment\r\n\n*.log   \n!keep.log\n\\#odd\nwith\\ \n");
        var rules = new ExcludeRules();
        rules.AddFile(Encoding.UTF8.GetBytes(_folder.Combine("rules")));
        Assert.True(rules.Excludes("/s/a.log"u8, "/s"u8, false));
        Assert.False(rules.Excludes("/s/keep.log"u8, "/s"u8, false));
        Assert.True(rules.Excludes("/s/#odd"u8, "/s"u8, false));
        Assert.True(rules.Excludes("/s/with "u8, "/s"u8, false));
        Assert.False(rules.Excludes("/s/# a comment"u8, "/s"u8, false));
    }

    [Fact]
    public void GivenManyStars_WhenMatched_ThenItTakesNoTime()
    {
        var rules = new ExcludeRules();
        rules.Add(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*a", 100)) + "b"));
        Assert.False(rules.Excludes([(byte)'/', .. Enumerable.Repeat((byte)'a', 255)], "/"u8, false));
    }

    [Fact]
    public async Task GivenRules_WhenBackedUp_ThenWhatTheyExcludeIsLeftOutAndIsNoError()
    {
        foreach (var file in new[] { "src/a.c", "src/a.o", "src/deep/b.o", "build/x", "cache/data", "cache/CACHEDIR.TAG", "fake/CACHEDIR.TAG", "fake/data" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.Combine(file))!);
            File.WriteAllText(_folder.Combine(file), "content");
        }

        File.WriteAllText(_folder.Combine("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n# a cache");
        var rules = new ExcludeRules { Caches = true };
        rules.Add("*.o"u8);
        rules.Add("build/"u8);
        using var vault = new LocalVault();
        var point = await vault.BackUpAsync(null, rules, _folder.Path);
        Assert.Empty(point.Errors);
        Assert.Equal(4, point.Skipped.Count);
        var stop = TestContext.Current.CancellationToken;
        var paths = await vault.Catalog(point).ReadAsync(cancellationToken: stop).Select(entry => "/" + entry.Path)
            .Where(path => path.StartsWith(_folder.Path + "/", StringComparison.Ordinal)).ToListAsync(stop);
        Assert.Equal(
            ["cache", "cache/CACHEDIR.TAG", "fake", "fake/CACHEDIR.TAG", "fake/data", "src", "src/a.c", "src/deep"],
            paths.Select(path => path[(_folder.Path.Length + 1)..]));
    }
}
