namespace BackupPlatform.IngestService.Data;

/// <summary>What ingest calls its blobs.</summary>
internal static class BlobNames
{
    public static string Pack(Guid vaultId, Guid machineId, Guid packId) => $"{Packs(vaultId, machineId)}{packId:D}";

    /// <summary>What the names of a machine's packs begin with.</summary>
    public static string Packs(Guid vaultId, Guid machineId) => $"vaults/{vaultId:D}/machines/{machineId:D}/packs/";

    public static string Point(Guid vaultId, Guid machineId, string item, long sequence, Guid pointId) =>
        $"vaults/{vaultId:D}/machines/{machineId:D}/points/{item}/{sequence:D10}-{pointId:D}";
}
