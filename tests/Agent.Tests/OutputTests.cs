using System.Text.Json;
using BackupPlatform.Agent.Output;

namespace BackupPlatform.Agent.Tests;

public class OutputTests
{
    [Theory]
    [InlineData(0, "1970-01-01T00:00:00Z")]
    [InlineData(981173106_123456789, "2001-02-03T04:05:06.123456789Z")]
    [InlineData(981173106_500000000, "2001-02-03T04:05:06.5Z")]
    [InlineData(-1, "1969-12-31T23:59:59.999999999Z")]
    public void GivenNanoseconds_WhenWritten_ThenNoneIsLost(long nanoseconds, string expected) =>
        Assert.Equal(expected, EntryText.Text(nanoseconds));

    [Theory]
    [InlineData(0b110_100_100, "rw-r--r--")]
    [InlineData(0b111_101_101 | 0x800, "rwsr-xr-x")]
    [InlineData(0b110_000_000 | 0x400, "rw---S---")]
    [InlineData(0b111_111_111 | 0x200, "rwxrwxrwt")]
    public void GivenAMode_WhenWritten_ThenItReadsLikeLs(uint mode, string expected) => Assert.Equal(expected, EntryText.Permissions(mode));

    [Fact]
    public void GivenAPathThatIsNoUtf8_WhenWrittenAsJson_ThenItsBytesComeToo()
    {
        byte[] path = [(byte)'/', 0xff, (byte)'a'];
        var line = Line(report =>
        {
            var errors = new PathErrors(report);
            errors.Add(path, "cannot be read");
            report.JsonSummary(errors.Write);
        });
        var error = line.GetProperty("errors")[0];
        Assert.Equal("summary", line.GetProperty("type").GetString());
        Assert.Equal("/\ufffda", error.GetProperty("path").GetString());
        Assert.Equal(path, error.GetProperty("pathBase64").GetBytesFromBase64());
        Assert.Equal("cannot be read", error.GetProperty("message").GetString());
    }

    [Fact]
    public void GivenAPathThatIsUtf8_WhenWrittenAsJson_ThenThereAreNoBytes()
    {
        var line = Line(report => report.JsonLine("entry", writer => writer.WritePath("path", "/ü\n\"x"u8)));
        Assert.Equal("/ü\n\"x", line.GetProperty("path").GetString());
        Assert.False(line.TryGetProperty("pathBase64", out _));
    }

    [Fact]
    public void GivenAnError_WhenTold_ThenPeopleReadItOnStandardErrorAndScriptsOnStandardOutput()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        new Report(output, errors, json: false, quiet: true).Error("conflict", "no");
        Assert.Equal(("", "backup-agent: no\n"), (output.ToString(), errors.ToString()));
        new Report(output, TextWriter.Null, json: true, quiet: true).Error("conflict", "no");
        Assert.Equal("""{"type":"error","code":"conflict","message":"no"}""" + "\n", output.ToString());
    }

    private static JsonElement Line(Action<Report> write)
    {
        using var output = new StringWriter();
        write(new Report(output, TextWriter.Null, json: true, quiet: false));
        return JsonDocument.Parse(Assert.Single(output.ToString().TrimEnd('\n').Split('\n'))).RootElement;
    }
}
