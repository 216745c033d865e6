using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests;

/// <summary>Keys that never change, so that golden vectors and failures are the same everywhere.</summary>
internal static class TestKeys
{
    public static readonly Guid MachineId = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057");
    public static readonly Guid OtherMachineId = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8058");
    public const string PassphraseText = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV";

    public static byte[] MasterKeyBytes => [.. Enumerable.Range(0, MasterKey.Size).Select(i => (byte)i)];

    public static MasterKey Master() => MasterKey.Import(MasterKeyBytes);

    public static KeyRing Ring() => Ring(MachineId);

    public static KeyRing Ring(Guid machineId)
    {
        using var master = Master();
        return new KeyRing(master, machineId);
    }
}
