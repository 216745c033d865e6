using System.Security.Cryptography;

namespace BackupPlatform.Storage.Conformance;

public sealed class AzureBlobStoreConformance(Azurite azurite) : BlobStoreConformance, IClassFixture<Azurite>
{
    protected override ValueTask<IBlobStore> NewStoreAsync() =>
        BlobStores.OpenAsync($"{azurite.ConnectionString};ContainerName=test-{RandomNumberGenerator.GetHexString(16, true)}", Cancellation);
}
