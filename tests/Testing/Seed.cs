using System.Globalization;

namespace BackupPlatform.Testing;

/// <summary>
/// Where a random test's randomness comes from: <c>BACKUP_PLATFORM_SEED</c>, or a new one. It prints itself, so that a failure can be
/// had again.
/// </summary>
public sealed class Seed
{
    /// <summary>The variable that replays.</summary>
    public const string Variable = "BACKUP_PLATFORM_SEED";

    public Seed(ulong value)
    {
        Value = value;
        Random = Generator(0);
    }

    /// <summary>The seed itself.</summary>
    public ulong Value { get; }

    /// <summary>A generator for one thread.</summary>
    public Random Random { get; }

    /// <summary>Takes the seed of the environment or a random one, and prints it where <paramref name="print"/> says (standard output).</summary>
    public static Seed New(Action<string>? print = null)
    {
        string? given = Environment.GetEnvironmentVariable(Variable);
        ulong value = string.IsNullOrEmpty(given)
            ? (ulong)Random.Shared.NextInt64()
            : ulong.Parse(given, NumberStyles.None, CultureInfo.InvariantCulture);
        var seed = new Seed(value);
        (print ?? Console.WriteLine)(seed.ToString());
        return seed;
    }

    /// <summary>A generator of its own for each part of a test: threads then do not disturb one another's numbers.</summary>
    public Random Generator(int part) => new(unchecked((int)(Mix(Value + ((ulong)(uint)part * 0x9E3779B97F4A7C15)) >> 32)));

    /// <summary>Bytes that compress badly and are the same for the same seed and part.</summary>
    public byte[] Bytes(int length, int part = 0)
    {
        var bytes = new byte[length];
        Generator(part).NextBytes(bytes);
        return bytes;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Variable}={Value}");

    // SplitMix64: neighbouring seeds and parts give unlike generators.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
