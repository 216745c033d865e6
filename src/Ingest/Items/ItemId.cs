using System.Security.Cryptography;
using System.Text;
using BackupPlatform.ServiceDefaults;

namespace BackupPlatform.IngestService.Items;

/// <summary>Names of items, and the stream ids that derive from them.</summary>
internal static class ItemId
{
    private const int MaxLength = 64;

    /// <summary>The id of a machine's item: UUIDv8 of SHA-256 over machine and name, so that nobody has to look it up.</summary>
    public static Guid Of(Guid machineId, string item)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"backup-platform item v1\n{machineId:D}\n{item}"));
        var bytes = hash.AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <returns>Why a name will not do; null where it does.</returns>
    public static Refusal? Check(string? item) =>
        item is { Length: >= 1 and <= MaxLength } && item[^1] != '.'
            && item.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.')
            ? null
            : Refusal.Invalid("item", $"'item' is 1 to {MaxLength} characters of a-z, 0-9, '-', '_', '.', the last no '.'.");
}
