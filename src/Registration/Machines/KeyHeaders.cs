using System.Globalization;
using System.Security.Cryptography;
using BackupPlatform.Contracts;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.Storage;
using Marten;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>Machines' wrapped master keys, beside the data they open: the blob store alone can rebuild everything.</summary>
/// <remarks>
/// A registration's key header lies under its revision, 1. Later ones also bear the beginning of their hash: an attempt to change the
/// passphrase that came to nothing must not stand in the way of the next, and none is ever written over.
/// </remarks>
internal static class KeyHeaders
{
    /// <summary>The largest key header, in bytes.</summary>
    public const int MaxLength = 4 * 1024;

    /// <summary>The revision that a registration writes.</summary>
    public const int FirstRevision = 1;

    private const int HashPart = 16;
    private const int Attempts = 5;

    public static string Hash(ReadOnlySpan<byte> keyHeader) => Convert.ToHexStringLower(SHA256.HashData(keyHeader));

    /// <param name="hash">SHA-256 in hexadecimal; null for a registration's.</param>
    public static string BlobName(Guid vaultId, Guid machineId, int revision, string? hash = null) =>
        Prefix(vaultId, machineId) + Revision(revision) + (hash is null ? "" : "-" + hash[..HashPart]);

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

    /// <summary>The key header that counts, and the machine with its revision.</summary>
    /// <remarks>It may be replaced between the two reads; then the next attempt finds the new one.</remarks>
    /// <exception cref="RefusedException">There is no such machine, or its key header is lost.</exception>
    public static async Task<(Machine Machine, byte[] KeyHeader)> ReadKeyHeaderAsync(
        this IBlobStore blobs, IDocumentStore store, Guid machineId, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var session = store.QuerySession();
            var machine = await session.LoadAsync<Machine>(machineId, cancellationToken)
                ?? throw new RefusedException(Refusal.NotFound("machine"));
            var name = BlobName(machine.VaultId, machine.Id, machine.KeyHeaderRevision, machine.KeyHeaderHash);
            if (await blobs.ReadAllAsync(name, MaxLength, cancellationToken) is { } keyHeader)
            {
                return (machine, keyHeader);
            }

            if (attempt == Attempts)
            {
                throw new RefusedException(new Refusal(
                    ProblemCodes.Integrity, "The machine's key header is not in the store; ask the platform's operator to restore it."));
            }
        }
    }

    /// <summary>Deletes what counts no more, and what attempts left behind, up to the revision that counts; later ones may be on their way.</summary>
    public static async Task RemoveOldKeyHeadersAsync(this IBlobStore blobs, Machine machine, CancellationToken cancellationToken)
    {
        var prefix = Prefix(machine.VaultId, machine.Id);
        var current = BlobName(machine.VaultId, machine.Id, machine.KeyHeaderRevision, machine.KeyHeaderHash);
        // Ends with what would sort behind every name of the revision that counts.
        var end = prefix + Revision(machine.KeyHeaderRevision) + "~";
        var old = new List<string>();
        await foreach (var blob in blobs.ListAsync(prefix, cancellationToken))
        {
            if (blob.Name != current && string.CompareOrdinal(blob.Name, end) < 0)
            {
                old.Add(blob.Name);
            }
        }

        foreach (var name in old)
        {
            await blobs.DeleteAsync(name, cancellationToken);
        }
    }

    private static string Prefix(Guid vaultId, Guid machineId) => $"vaults/{vaultId:D}/machines/{machineId:D}/key-header/";

    private static string Revision(int revision) => revision.ToString("D10", CultureInfo.InvariantCulture);
}
