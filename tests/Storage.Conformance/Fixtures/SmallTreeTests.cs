using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance.Fixtures;

public sealed class SmallTreeTests : IDisposable
{
    private readonly TempFolder _folder = new("trees");

    private string First => _folder.Combine("first");

    private string Second => _folder.Combine("second");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenOneSeed_WhenTwoTreesAreWritten_ThenTheyAreTheSame()
    {
        int files = SmallTree.Write(First, new Seed(5));

        Assert.Equal(files, SmallTree.Write(Second, new Seed(5)));
        Assert.InRange(files, 50, 200);
        Assert.Empty(TreeComparer.Compare(First, Second));
        TreeComparer.AssertSame(First, Second);
    }

    [Fact]
    public void GivenAnotherSeed_WhenCompared_ThenBytesDiffer()
    {
        SmallTree.Write(First, new Seed(5));
        SmallTree.Write(Second, new Seed(6));

        Assert.Contains("lengths/100: bytes differ from offset 0", TreeComparer.Compare(First, Second));
    }

    [Theory]
    [InlineData("file", "chmod 601 lengths/1", "lengths/1: mode 644 became 601")]
    [InlineData("time", "touch -m -d @12.5 lengths/1", "lengths/1: time ")]
    [InlineData("missing", "rm lengths/1", "lengths/1: missing")]
    [InlineData("extra", "touch empty/x", "empty/x: not expected")]
    [InlineData("link", "ln -sfn other links/dangling", "links/dangling: link target 'no/such/target' became 'other'")]
    [InlineData("type", "rm lengths/1; mkdir lengths/1", "lengths/1: type file became folder")]
    [InlineData("length", "printf x >>lengths/1", "lengths/1: length 1 became 2")]
    [InlineData("bytes", "printf X | dd of=text/zeros bs=1 seek=5000 conv=notrunc status=none", "text/zeros: bytes differ from offset 5000")]
    [InlineData("names", "ln lengths/1 lengths/linked", "lengths/1: 1 names became 2")]
    public async Task GivenAChange_WhenCompared_ThenItIsNamed(string what, string command, string expected)
    {
        SmallTree.Write(First, new Seed(5));
        SmallTree.Write(Second, new Seed(5));
        await GuardedProcess.RunAsync(["sh", "-ec", command], workingDirectory: Second, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains(TreeComparer.Compare(First, Second), line => line.StartsWith(expected, StringComparison.Ordinal));
        Assert.NotEmpty(what);
    }
}
