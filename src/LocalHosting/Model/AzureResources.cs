using Aspire.Hosting.ApplicationModel;
using BackupPlatform.LocalHosting;

namespace Aspire.Hosting.Azure;

/// <summary>The object storage of the platform; here folders under the data directory.</summary>
public sealed class AzureStorageResource(string name) : Resource(name);

/// <summary>What stands for the storage on one machine. Folders keep their content without being asked.</summary>
public sealed class AzureStorageEmulatorResource(string name) : Resource(name);

/// <summary>The blobs of a storage.</summary>
public sealed class AzureBlobStorageResource(string name) : Resource(name), IResourceWithConnectionString
{
    string IResourceWithConnectionString.ConnectionString(RunContext run) => new Uri(run.Data.PrimaryStore).AbsoluteUri;
}
