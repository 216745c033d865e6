using System.Data.Common;
using Azure.Identity;
using Azure.Storage.Blobs;
using BackupPlatform.Storage.Cloud;

namespace BackupPlatform.Storage;

/// <summary>Opens the store that a connection string names. For <c>Program.cs</c> files: everything else takes an <see cref="IBlobStore"/>.</summary>
public static class BlobStores
{
    /// <summary>The container that is used unless the connection string names another with <c>ContainerName=…</c>.</summary>
    public const string DefaultContainer = "backup";

    /// <summary>Opens a store, and makes its folder or container if it is missing.</summary>
    /// <param name="connectionString">
    /// <c>file:///path</c> for files; a connection string of Azure Blob Storage or Azurite; the address of a blob service
    /// (<c>https://ACCOUNT.blob.core.windows.net</c>, also as <c>Endpoint=…</c>), with a shared access signature in it or else with the
    /// identity that the process runs under.
    /// </param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="ArgumentException">The connection string is none of these.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be used now.</exception>
    public static async ValueTask<IBlobStore> OpenAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        if (Uri.TryCreate(connectionString, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeFile)
        {
            return new FileBlobStore(uri.LocalPath);
        }
        BlobContainerClient container = ContainerOf(connectionString);
        try
        {
            await container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
        return new AzureBlobStore(container);
    }

    internal static BlobContainerClient ContainerOf(string connectionString)
    {
        if (IsAddress(connectionString)) return ServiceAt(new Uri(connectionString)).GetBlobContainerClient(DefaultContainer);
        var parts = new DbConnectionStringBuilder { ConnectionString = connectionString };
        string name = parts.TryGetValue("ContainerName", out object? named) ? (string)named : DefaultContainer;
        if (parts.TryGetValue("Endpoint", out object? endpoint) && IsAddress((string)endpoint))
        {
            return ServiceAt(new Uri((string)endpoint)).GetBlobContainerClient(name);
        }
        // The Azure client knows all keys but this one; the builder would write its own quoting, so the text is cut instead.
        string rest = string.Join(';', connectionString.Split(';').Where(
            part => !part.TrimStart().StartsWith("ContainerName=", StringComparison.OrdinalIgnoreCase)));
        try
        {
            return new BlobServiceClient(rest).GetBlobContainerClient(name);
        }
        catch (FormatException wrong)
        {
            throw new ArgumentException("This is no connection string of a blob store.", nameof(connectionString), wrong);
        }
    }

    private static bool IsAddress(string text) =>
        text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase);

    private static BlobServiceClient ServiceAt(Uri address) => address.Query.Contains("sig=", StringComparison.Ordinal)
        ? new BlobServiceClient(address)
        : new BlobServiceClient(address, new DefaultAzureCredential());
}
