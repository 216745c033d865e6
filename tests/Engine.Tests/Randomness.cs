using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests;

/// <summary>Random data from a seed that a failing test names; BACKUP_TEST_SEED replays one.</summary>
internal static class Randomness
{
    public static Random Create()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("BACKUP_TEST_SEED"), out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"BACKUP_TEST_SEED={seed}");
        return new Random(seed);
    }

    public static byte[] Bytes(this Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    public static ChunkId ChunkId(this Random random) => new(random.Bytes(BackupPlatform.Formats.ChunkId.Size));
}
