using System.Text;

namespace BackupPlatform.Engine.Tests.Catalog;

public sealed class CatalogPathTests
{
    [Fact]
    public void GivenAWalkThatSortsEachDirectory_WhenItsPathsAreCompared_ThenTheyAscend()
    {
        var random = Randomness.Create();
        var paths = RandomTree.Walk(random, 500).ToList();
        for (var i = 1; i < paths.Count; i++)
        {
            Assert.True(paths[i - 1] < paths[i], $"{paths[i - 1]} < {paths[i]}");
            Assert.True(paths[i] > paths[i - 1]);
        }
    }

    [Theory]
    [InlineData("a", "a/b", true)]
    [InlineData("a", "a/b/c", true)]
    [InlineData("a", "a", false)]
    [InlineData("a", "a-b", false)]
    [InlineData("a", "ab/c", false)]
    [InlineData("a/b", "a", false)]
    [InlineData("", "a", true)]
    [InlineData("", "", false)]
    public void GivenTwoPaths_WhenAskedWhetherOneIsUnderTheOther_ThenOnlyWholeNamesCount(string directory, string path, bool under) =>
        Assert.Equal(under, CatalogPath.FromText(path).IsUnder(CatalogPath.FromText(directory)));

    [Fact]
    public void GivenAPath_WhenTakenApartAndPutTogether_ThenItIsTheSame()
    {
        var path = CatalogPath.FromText("home/ann/notes");
        Assert.Equal("notes", Encoding.UTF8.GetString(path.Name));
        Assert.Equal("home/ann", path.Parent.ToString());
        Assert.Equal(path, path.Parent.Child(path.Name));
        Assert.Equal(CatalogPath.Root, CatalogPath.FromText("home").Parent);
        Assert.Equal("home", CatalogPath.Root.Child("home"u8).ToString());
        Assert.Equal(CatalogPath.Root, CatalogPath.Root.Parent);
    }

    [Theory]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("/")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("./a")]
    [InlineData("a\0b")]
    public void GivenNoPath_WhenTaken_ThenRefused(string text) => Assert.Throws<ArgumentException>(() => CatalogPath.FromText(text));

    [Fact]
    public void GivenANameThatIsNoText_WhenTaken_ThenItsBytesStay()
    {
        byte[] bytes = [(byte)'a', (byte)'/', 0xff, 0xfe];
        Assert.Equal(bytes, new CatalogPath(bytes).Span.ToArray());
        Assert.Throws<ArgumentException>(() => new CatalogPath(new byte[CatalogPath.MaxLength + 1].AsMemory()));
    }
}
