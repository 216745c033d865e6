using BackupPlatform.Testing;

namespace BackupPlatform.Storage.Conformance;

public sealed class FileBlobStoreConformance : BlobStoreConformance, IDisposable
{
    private readonly TempFolder _folder = new("store");

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IBlobStore> NewStoreAsync() => ValueTask.FromResult<IBlobStore>(new FileBlobStore(_folder.Combine("store")));
}
