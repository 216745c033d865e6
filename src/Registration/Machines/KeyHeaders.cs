using System.Globalization;
using BackupPlatform.Storage;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>Machines' wrapped master keys, beside the data they open: the blob store alone can rebuild everything.</summary>
internal static class KeyHeaders
{
    /// <summary>The largest key header, in bytes.</summary>
    public const int MaxLength = 4 * 1024;

    /// <summary>The revision that a registration writes.</summary>
    public const int FirstRevision = 1;

    public static string BlobName(Guid vaultId, Guid machineId, int revision) => string.Create(
        CultureInfo.InvariantCulture, $"vaults/{vaultId:D}/machines/{machineId:D}/key-header/{revision:D10}");

    /// <summary>Makes a key header durable under its name; the same one may be there already.</summary>
    /// <returns>False where another one bears the name.</returns>
    public static async Task<bool> KeepAsync(
        this IBlobStore blobs, string name, ReadOnlyMemory<byte> keyHeader, CancellationToken cancellationToken)
    {
        try
        {
            await blobs.WriteAllAsync(name, keyHeader, cancellationToken);
            return true;
        }
        catch (BlobExistsException)
        {
            var there = await blobs.ReadAllAsync(name, MaxLength, cancellationToken);
            return keyHeader.Span.SequenceEqual(there);
        }
    }
}
