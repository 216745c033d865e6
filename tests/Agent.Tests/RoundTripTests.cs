using BackupPlatform.Agent.Restore;
using BackupPlatform.Testing;

namespace BackupPlatform.Agent.Tests;

/// <summary>What Linux keeps, from a folder into a catalog and back. As root.</summary>
public sealed class RoundTripTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder _folder = new("round-trip");
    private readonly LocalVault _vault = new();

    private string Source => _folder.Combine("source");

    private string Target => _folder.Combine("target");

    public void Dispose()
    {
        _vault.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task GivenEverythingThatLinuxKeeps_WhenBackedUpAndRestored_ThenNothingDiffers()
    {
        var tree = AwkwardTree.Write(Source, Seed.New(output.WriteLine), small: 300);
        var first = await _vault.BackUpAsync(null, Source);
        Assert.Empty(first.Errors);
        Assert.Equal(tree.Files, first.Totals.New);
        Assert.InRange(first.NewBytes, 1, 20 << 20);

        var restored = await _vault.RestoreAsync(first, Target);
        Assert.Empty(restored.Errors);
        Assert.Equal((false, false, (long)tree.Files), (restored.FoundDamage, restored.FellShort, restored.Files));
        TreeComparer.AssertSame(Source, Target + Source);

        Assert.Equal(0, (await _vault.RestoreAsync(first, Target, ConflictRule.Skip)).Files);

        var last = await BackUpUntilUnchangedAsync();
        Assert.Equal((tree.Files, 0L), (last.Totals.Files, last.NewBytes));
    }

    [Fact]
    public async Task GivenTheSameTreeThere_WhenRestoredOver_ThenNothingDiffers()
    {
        AwkwardTree.Write(Source, Seed.New(output.WriteLine), small: 3);
        var point = await _vault.BackUpAsync(null, Source);
        await _vault.RestoreAsync(point, Target);
        Assert.Empty((await _vault.RestoreAsync(point, Target, ConflictRule.Overwrite)).Errors);
        TreeComparer.AssertSame(Source, Target + Source);
    }

    [Fact]
    public async Task GivenHardLinks_WhenOnlySomeAreChosen_ThenTheseAreOneFile()
    {
        _folder.Make("source/one");
        _folder.Make("source/two");
        var first = Write("one/a", "content");
        Posix.Link(first, Source + "/one/b");
        Posix.Link(first, Source + "/two/c");
        var point = await _vault.BackUpAsync(null, Source + "/two", Source + "/one/b");
        Assert.Equal(7, point.NewBytes);

        await _vault.RestoreAsync(point, Target, paths: [Source + "/two/c"]);
        Assert.Equal(1u, Posix.Stat(Target + Source + "/two/c").Links);
        Assert.Equal("content", File.ReadAllText(Target + Source + "/two/c"));
        await _vault.RestoreAsync(point, Target + "2");
        Assert.Equal(2u, Posix.Stat(Target + "2" + Source + "/one/b").Links);
        Assert.Equal(Posix.Stat(Target + "2" + Source + "/one/b").Id, Posix.Stat(Target + "2" + Source + "/two/c").Id);
    }

    [Theory]
    [InlineData(nameof(ConflictRule.Skip), "mine", 2u)]
    [InlineData(nameof(ConflictRule.Rename), "mine", 3u)]
    [InlineData(nameof(ConflictRule.Overwrite), "content", 3u)]
    public async Task GivenTheFirstNameIsTaken_WhenRestored_ThenTheOtherNamesAreOneFileAllTheSame(string rule, string expected, uint links)
    {
        _folder.Make("source");
        Posix.Link(Write("a", "content"), Source + "/b");
        Posix.Link(Source + "/a", Source + "/c");
        var point = await _vault.BackUpAsync(null, Source);
        _folder.Make("target" + Source);
        File.WriteAllText(Target + Source + "/a", "mine");

        Assert.Empty((await _vault.RestoreAsync(point, Target, Enum.Parse<ConflictRule>(rule))).Errors);
        Assert.Equal(expected, File.ReadAllText(Target + Source + "/a"));
        Assert.Equal("content", File.ReadAllText(Target + Source + "/b"));
        Assert.Equal(links, Posix.Stat(Target + Source + "/c").Links);
        Assert.Equal(Posix.Stat(Target + Source + "/b").Id, Posix.Stat(Target + Source + "/c").Id);
        Assert.Equal(rule == nameof(ConflictRule.Rename), File.Exists(Target + Source + "/a.restored"));
    }

    [Fact]
    public async Task GivenAHugeSparseFile_WhenBackedUp_ThenItsHolesAreNeitherReadNorSent()
    {
        _folder.Make("source");
        using (var file = File.OpenHandle(Source + "/sparse", FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.Write(file, "x"u8, 5L << 40);
            RandomAccess.SetLength(file, (7L << 40) + 5);
        }

        var point = await _vault.BackUpAsync(null, Source);
        Assert.InRange(point.NewBytes, 1, 1 << 20);
        Assert.Equal((7L << 40) + 5, point.Totals.Bytes);
        Assert.Empty((await _vault.RestoreAsync(point, Target)).Errors);
        TreeComparer.AssertSame(Source, Target + Source);
    }

    [Fact]
    public async Task GivenOnlyMetadataChanged_WhenBackedUpAgain_ThenItIsNoticed()
    {
        _folder.Make("source");
        foreach (var name in new[] { "mode", "attribute", "linked", "owner", "same" })
        {
            Write(name, name);
        }

        var first = await BackUpUntilUnchangedAsync();
        File.SetUnixFileMode(Source + "/mode", UnixFileMode.None);
        Posix.SetAttribute(Posix.Bytes(Source + "/attribute"), "user.new", [1]);
        Posix.Link(Source + "/linked", Source + "/linked too");
        Posix.SetOwner(Posix.Bytes(Source + "/owner"), 5, 5);
        var second = await _vault.BackUpAsync(first, Source);
        Assert.Equal((1L, 4L, 1L), (second.Totals.New, second.Totals.Changed, second.Totals.Unmodified));
        Assert.Empty((await _vault.RestoreAsync(second, Target)).Errors);
        TreeComparer.AssertSame(Source, Target + Source);
    }

    [Fact]
    public async Task GivenContentChangedBehindModificationTimeAndMode_WhenBackedUpAgain_ThenItIsRead()
    {
        _folder.Make("source");
        var file = Write("file", "old");
        var first = await _vault.BackUpAsync(null, Source);
        var time = File.GetLastWriteTimeUtc(file);
        using (var open = File.OpenHandle(file, access: FileAccess.Write))
        {
            RandomAccess.Write(open, "new"u8, 0);
        }

        File.SetLastWriteTimeUtc(file, time);
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        await _vault.RestoreAsync(await _vault.BackUpAsync(first, Source), Target);
        Assert.Equal("new", File.ReadAllText(Target + file));
    }

    [Fact]
    public async Task GivenFilesThatChangeAndVanish_WhenBackedUp_ThenEachIsNamedAndTheOthersAreThere()
    {
        _folder.Make("source/gone");
        foreach (var name in new[] { "a", "gone/file", "later", "other" })
        {
            Write(name, name == "a" ? new string('x', 3 << 20) : "content");
        }

        _vault.OnChunk = () =>
        {
            File.AppendAllText(Source + "/a", "more");
            File.Delete(Source + "/later");
            if (Directory.Exists(Source + "/gone"))
            {
                Directory.Delete(Source + "/gone", recursive: true);
            }
        };
        var point = await _vault.BackUpAsync(null, Source);
        _vault.OnChunk = null;
        Assert.Equal(
            [new Told(Source + "/a", "changed"), new Told(Source + "/gone", "vanished"), new Told(Source + "/later", "vanished")],
            point.Errors.OrderBy(error => error.Path));
        Assert.Equal(2, point.Totals.Files);

        // What changed is read again, and then is as it is.
        var second = await _vault.BackUpAsync(point, Source);
        Assert.Empty(second.Errors);
        Assert.Empty((await _vault.RestoreAsync(second, Target)).Errors);
        TreeComparer.AssertSame(Source, Target + Source);
    }

    [Fact]
    public async Task GivenHardLinksToAFileThatChanges_WhenBackedUp_ThenContentsAreThoseThatWereRead()
    {
        _folder.Make("source");
        Posix.Link(Write("a", new string('x', 200_000)), Source + "/b");
        var first = true;
        _vault.OnChunk = () =>
        {
            if (first)
            {
                File.AppendAllText(Source + "/a", "more");
            }

            first = false;
        };
        var point = await _vault.BackUpAsync(null, Source);
        Assert.Contains(new Told(Source + "/a", "changed"), point.Errors);
        Assert.Empty((await _vault.RestoreAsync(point, Target)).Errors);
        Assert.Equal(File.ReadAllText(Source + "/b"), File.ReadAllText(Target + Source + "/b"));
    }

    [Fact]
    public async Task GivenRestoredDataChangedOnTheDisk_WhenReadBack_ThenItIsNamed()
    {
        _folder.Make("source");
        var file = Write("file", "content");
        Write("other", "content");
        var point = await _vault.BackUpAsync(null, Source);
        var restored = await _vault.RestoreAsync(point, Target, beforeEnd: _ => File.WriteAllText(Target + file, "CONTENT"));
        Assert.True(restored.FoundDamage);
        Assert.Equal([new Told(file, "differs")], restored.Errors);
    }

    [Fact]
    public async Task GivenAttributesThatAreLostInTheVault_WhenRestored_ThenTheContentComesAndThatIsNamed()
    {
        _folder.Make("source");
        var file = Write("file", "content");
        Posix.SetAttribute(Posix.Bytes(file), "user.large", new byte[3000]);
        var point = await _vault.BackUpAsync(null, Source);
        Assert.True(_vault.Chunks.Remove(_vault.Chunks.Single(chunk => chunk.Value.Length > 2000).Key));
        var restored = await _vault.RestoreAsync(point, Target);
        Assert.True(restored.FoundDamage);
        Assert.Equal([new Told(file, "damaged")], restored.Errors);
        Assert.Equal("content", File.ReadAllText(Target + file));
    }

    [Fact]
    public async Task GivenLinksPlantedInTheTarget_WhenRestored_ThenNothingIsWrittenThroughThem()
    {
        _folder.Make("source/dir");
        Posix.Link(Write("file", "content"), Source + "/dir/linked");
        Posix.MakePipe(Source + "/dir/pipe", 0x1b6);
        File.CreateSymbolicLink(Source + "/dir/link", "x");
        Write("dir/empty", "");
        Write("name", "content");
        var elsewhere = _folder.Make("elsewhere");
        File.WriteAllText(elsewhere + "/victim", "untouched");
        var before = Posix.Stat(elsewhere + "/victim");
        _folder.Make("target" + Source);
        var point = await _vault.BackUpAsync(null, Source);
        File.CreateSymbolicLink(Target + Source + "/dir", elsewhere);
        File.CreateSymbolicLink(Target + Source + "/name", elsewhere + "/victim");

        var skipped = await _vault.RestoreAsync(point, Target, ConflictRule.Skip);
        Assert.NotEmpty(skipped.Errors);
        Assert.Equal(["victim"], Directory.EnumerateFileSystemEntries(elsewhere).Select(Path.GetFileName));
        Assert.Empty((await _vault.RestoreAsync(point, Target, ConflictRule.Overwrite)).Errors);
        Assert.Equal(["victim"], Directory.EnumerateFileSystemEntries(elsewhere).Select(Path.GetFileName));
        Assert.Equal(before, Posix.Stat(elsewhere + "/victim"));
        TreeComparer.AssertSame(Source, Target + Source);
    }

    [Fact]
    public async Task GivenADirectoryWithADefaultAccessList_WhenRestoredInto_ThenNothingInheritsIt()
    {
        _folder.Make("source/dir");
        Write("dir/file", "content");
        var point = await _vault.BackUpAsync(null, Source);
        _folder.Make("target");
        byte[] list = [2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 7, 0, 255, 255, 255, 255, 32, 0, 7, 0, 255, 255, 255, 255];
        Posix.SetAttribute(Posix.Bytes(Target), "system.posix_acl_default", list);
        Assert.Empty((await _vault.RestoreAsync(point, Target)).Errors);
        TreeComparer.AssertSame(Source, Target + Source);
    }

    /// <summary>Files that changed just before they were read are read once more.</summary>
    private async Task<LocalPoint> BackUpUntilUnchangedAsync()
    {
        LocalPoint? point = null;
        while (point is null || point.Totals.Unmodified < point.Totals.Files)
        {
            point = await _vault.BackUpAsync(point, Source);
        }

        return point;
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(Path.Combine(Source, name), content);
        return Path.Combine(Source, name);
    }
}
