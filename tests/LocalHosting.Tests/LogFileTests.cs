namespace BackupPlatform.LocalHosting.Tests;

public sealed class LogFileTests
{
    [Fact]
    public void GivenManyLines_WhenWritten_ThenTheLogAndTheOneBeforeStayBoundedAndEndWithTheLastLine()
    {
        var folder = Directory.CreateTempSubdirectory("log-").FullName;
        try
        {
            var path = Path.Combine(folder, "part.log");
            using (var log = new LogFile(path))
            {
                for (var i = 0; i < 30_000; i++) log.Write(new string('x', 1000));
                log.Write("the last line");
            }

            Assert.Equal(2, Directory.GetFiles(folder).Length);
            Assert.All(Directory.GetFiles(folder), file => Assert.InRange(new FileInfo(file).Length, 1, (8 << 20) + 1001));
            Assert.EndsWith("the last line", LogFile.Tail(path), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
