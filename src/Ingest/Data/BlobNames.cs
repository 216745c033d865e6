namespace BackupPlatform.IngestService.Data;

/// <summary>What ingest calls its blobs.</summary>
internal static class BlobNames
{
    public static string Pack(Guid vaultId, Guid machineId, Guid packId) =>
        $"vaults/{vaultId:D}/machines/{machineId:D}/packs/{packId:D}";

    public static string Point(Guid vaultId, Guid machineId, string item, long sequence, Guid pointId) =>
        $"vaults/{vaultId:D}/machines/{machineId:D}/points/{item}/{sequence:D10}-{pointId:D}";
}
