using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Tests;

public sealed class FindPatternTests
{
    [Theory]
    [InlineData("f7.txt", "home/ann/f7.txt", true)]
    [InlineData("f*.txt", "home/ann/f7.txt", true)]
    [InlineData("F*.txt", "home/ann/f7.txt", false)]
    [InlineData("ann", "home/ann/f7.txt", false)]
    [InlineData("f?.txt", "f77.txt", false)]
    [InlineData("f[0-7].txt", "f7.txt", true)]
    [InlineData("f[!0-7].txt", "f7.txt", false)]
    [InlineData("/home/*/f7.txt", "home/ann/f7.txt", true)]
    [InlineData("/home/*", "home/ann/f7.txt", false)]
    [InlineData("/home/**", "home/ann/f7.txt", true)]
    [InlineData("/home/**", "home", false)]
    [InlineData("/**/f7.txt", "f7.txt", true)]
    [InlineData("/ann/f7.txt", "home/ann/f7.txt", false)]
    [InlineData("ann/f7.txt", "home/ann/f7.txt", true)]
    [InlineData("**/ann/**/x", "home/ann/b/c/x", true)]
    [InlineData("**", "home/ann/f7.txt", true)]
    [InlineData(@"\*", "home/*", true)]
    [InlineData(@"\*", "home/a", false)]
    public void GivenAPattern_WhenAPathIsLookedAt_ThenItMatchesAsDocumented(string pattern, string path, bool matches) =>
        Assert.Equal(matches, new FindPattern(pattern).IsMatch(CatalogPath.FromText(path)));

    [Fact]
    public void GivenANameThatIsNoText_WhenLookedFor_ThenItIsFoundByItsBytes()
    {
        byte[] name = [.. "bad"u8, 0xff, .. ".txt"u8];
        Assert.True(new FindPattern("bad?.txt").IsMatch(new CatalogPath(name)));
        Assert.True(new FindPattern(PathText.Decode(name)).IsMatch(new CatalogPath(name)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("[a")]
    public void GivenNoPattern_WhenRead_ThenItIsRefusedAsUsage(string pattern) =>
        Assert.Equal(2, Assert.Throws<AgentException>(() => new FindPattern(pattern)).ExitStatus);
}
