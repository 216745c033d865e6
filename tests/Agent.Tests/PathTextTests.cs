using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Tests;

public class PathTextTests
{
    [Fact]
    public void GivenAnyBytes_WhenDecodedAndEncoded_ThenTheyAreTheSame()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(0, 12)];
            random.NextBytes(bytes);
            Assert.True(bytes.AsSpan().SequenceEqual(PathText.Encode(PathText.Decode(bytes))), $"seed {seed}, {Convert.ToHexString(bytes)}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("Grüße/日本語/😀")]
    public void GivenUtf8_WhenDecoded_ThenItIsThatText(string text) =>
        Assert.Equal(text, PathText.Decode(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void GivenControlCharactersAndBrokenBytes_WhenShownToPeople_ThenTheyAreEscaped() =>
        Assert.Equal("a\\x1b[31m\\xff", PathText.ForPeople([(byte)'a', 0x1b, (byte)'[', (byte)'3', (byte)'1', (byte)'m', 0xff]));

    [Fact]
    public void GivenArgumentsOfAnyBytes_WhenTakenFromTheCommandLine_ThenNothingIsLost()
    {
        byte[] commandLine = [.. "dotnet\0agent.dll\0backup\0/a/"u8, 0xff, 0xfe, 0, .. "--json\0"u8];
        var exact = ProcessArguments.Merge(["backup", "/a/\ufffd\ufffd", "--json"], commandLine);
        Assert.Equal(3, exact.Length);
        Assert.Equal([(byte)'/', (byte)'a', (byte)'/', 0xff, 0xfe], PathText.Encode(exact[1]));
    }

    [Fact]
    public void GivenAnEmptyLastArgument_WhenTakenFromTheCommandLine_ThenItIsThere() =>
        Assert.Equal(["ls", ""], ProcessArguments.Merge(["ls", ""], "agent\0ls\0\0"u8));
}
