using System.Text;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Tests;

public class PathBytesTests
{
    [Theory]
    [InlineData("/a/b", "/cwd", "/a/b")]
    [InlineData("b", "/cwd", "/cwd/b")]
    [InlineData("./b//c/", "/cwd", "/cwd/b/c")]
    [InlineData("../../..", "/cwd", "/")]
    [InlineData("", "/cwd", "/cwd")]
    public void GivenAPath_WhenMadeAbsolute_ThenItHasNoDots(string path, string current, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(PathBytes.Absolute(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(current))));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    public void GivenANameThatLeadsElsewhere_WhenChecked_ThenItIsNotSafe(string name) =>
        Assert.False(PathBytes.IsSafeName(Encoding.UTF8.GetBytes(name)));

    [Theory]
    [InlineData("...")]
    [InlineData(" ")]
    [InlineData("-rf")]
    public void GivenAnOddName_WhenChecked_ThenItIsSafe(string name) => Assert.True(PathBytes.IsSafeName(Encoding.UTF8.GetBytes(name)));
}
