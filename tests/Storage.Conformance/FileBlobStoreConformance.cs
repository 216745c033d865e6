using System.Diagnostics;
using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance;

public sealed class FileBlobStoreConformance : BlobStoreConformance, IDisposable
{
    private readonly TempFolder _folder = new("store");

    private string Root => _folder.Combine("store");

    private string[] Uploads => Directory.GetFiles(Path.Combine(Root, "~uploads"));

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IBlobStore> NewStoreAsync() => ValueTask.FromResult<IBlobStore>(new FileBlobStore(Root));

    [Fact]
    public async Task GivenAStore_WhenUsed_ThenOnlyItsOwnerMayEnterAndNoUploadStays()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b/c", Bytes(100), Cancellation);
        await Assert.ThrowsAsync<BlobExistsException>(() => store.WriteAllAsync("a/b/c", Bytes(100), Cancellation).AsTask());

        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(Owner, File.GetUnixFileMode(Root));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(Root, "a/b")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Root, "a/b/c")));
        Assert.Empty(Uploads);
    }

    [Fact]
    public async Task GivenUploadsOfDeadWriters_WhenStartedADayLater_ThenRemovedAndYoungOrLivingOnesStay()
    {
        IBlobStore store = await NewStoreAsync();
        string old = Path.Combine(Root, "~uploads", "old");
        string young = Path.Combine(Root, "~uploads", "young");
        await File.WriteAllTextAsync(old, "a crash left this", Cancellation);
        await File.WriteAllTextAsync(young, "a crash left this", Cancellation);
        await using BlobUpload slow = await store.CreateAsync("slow", Cancellation);
        await slow.WriteAsync(Bytes(1 << 20), Cancellation);
        string living = Assert.Single(Uploads.Except([old, young]));
        // The age is measured by the file system's clock, which no test can move: the files are made older instead.
        File.SetLastWriteTimeUtc(old, File.GetLastWriteTimeUtc(old).AddHours(-25));
        File.SetLastWriteTimeUtc(living, File.GetLastWriteTimeUtc(old));

        IBlobStore restarted = await NewStoreAsync();

        Assert.Equivalent(new[] { living, young }, Uploads, strict: true);
        Assert.Empty(await NamesAsync(restarted, ""));
        await slow.CommitAsync(Cancellation);
        Assert.Equal(1 << 20, await restarted.GetLengthAsync("slow", Cancellation));
    }

    [Fact]
    public async Task GivenAStoreThatIsAway_WhenAsked_ThenUnavailableRatherThanEmptyAndItIsNotMadeAnew()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/b", Bytes(10), Cancellation);
        await using BlobUpload open = await store.CreateAsync("a/c", Cancellation);
        await open.WriteAsync(Bytes(10), Cancellation);
        Directory.Move(Root, Root + "-away");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.GetLengthAsync("a/b", Cancellation).AsTask());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.OpenReadAsync("a/b", Cancellation).AsTask());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.DeleteAsync("a/b", Cancellation).AsTask());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => NamesAsync(store, ""));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CreateAsync("a/d", Cancellation).AsTask());
        await Assert.ThrowsAsync<StoreUnavailableException>(() => open.CommitAsync(Cancellation).AsTask());
        Assert.False(Directory.Exists(Root));

        Directory.Move(Root + "-away", Root);
        Assert.Equal(10, await store.GetLengthAsync("a/b", Cancellation));
        await AssertAbsentAsync(store, "a/c");
    }

    [Fact]
    public async Task GivenABlobWhoseNameIsAFolderOfAnother_WhenCommitted_ThenRefused()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a", Bytes(10), Cancellation);
        await store.WriteAllAsync("b/c", Bytes(10), Cancellation);

        await Assert.ThrowsAsync<BlobExistsException>(() => store.WriteAllAsync("a/b", Bytes(10), Cancellation).AsTask());
        await Assert.ThrowsAsync<BlobExistsException>(() => store.WriteAllAsync("b", Bytes(10), Cancellation).AsTask());
    }

    [Fact]
    public async Task GivenForeignFiles_WhenListed_ThenTheyAreNoBlobs()
    {
        IBlobStore store = await NewStoreAsync();
        Directory.CreateDirectory(Path.Combine(Root, "lost+found"));
        await File.WriteAllTextAsync(Path.Combine(Root, "README"), "x", Cancellation);
        await store.WriteAllAsync("a", Bytes(10), Cancellation);

        Assert.Equal(["a"], await NamesAsync(store, ""));
    }

    [Fact]
    public async Task GivenAFolderOfMoreBlobsThanAPage_WhenListed_ThenAllOnceInOrder()
    {
        IBlobStore store = await NewStoreAsync();
        await store.WriteAllAsync("a/last", Bytes(1), Cancellation);
        string[] names = [.. Enumerable.Range(0, 20_000).Select(i => $"{i * 7919 % 20_000:x}")];
        foreach (string name in names) await File.WriteAllBytesAsync(Path.Combine(Root, "a", name), [], Cancellation);

        string[] expected = [.. names.Append("last").Select(name => $"a/{name}").Order(StringComparer.Ordinal)];
        Assert.Equal(expected, await NamesAsync(store, "a/"));
    }

    [Fact]
    public async Task GivenAFullDisk_WhenWriting_ThenStoreFullAndWhatWasThereStays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Mounting a small tmpfs needs Linux and root.");
        string disk = _folder.Make("disk");
        int mounted = await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk);
        Assert.SkipUnless(mounted == 0, "This machine lets root mount no tmpfs.");
        try
        {
            var store = new FileBlobStore(Path.Combine(disk, "store"));
            await store.WriteAllAsync("small", Bytes(1 << 20), Cancellation);

            await Assert.ThrowsAsync<StoreFullException>(() => store.WriteAllAsync("large", Bytes(16 << 20), Cancellation).AsTask());

            await AssertAbsentAsync(store, "large");
            Assert.Equal(["small"], await NamesAsync(store, ""));
            // What the failed one took is free again.
            await store.WriteAllAsync("fits", Bytes(5 << 20), Cancellation);
            Assert.Equal(5 << 20, await store.GetLengthAsync("fits", Cancellation));
        }
        finally
        {
            await RunAsync("umount", disk);
        }
    }

    [Fact]
    public async Task GivenAFileAddress_WhenOpened_ThenItIsThatFolder()
    {
        IBlobStore store = await BlobStores.OpenAsync("file://" + Root + "%20x", Cancellation);

        Assert.Equal(Root + " x", Assert.IsType<FileBlobStore>(store).Folder);
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await BlobStores.OpenAsync("nonsense", Cancellation));
    }

    private static async Task<int> RunAsync(string command, params string[] arguments)
    {
        using Process process = Process.Start(command, arguments);
        await process.WaitForExitAsync(Cancellation);
        return process.ExitCode;
    }
}
