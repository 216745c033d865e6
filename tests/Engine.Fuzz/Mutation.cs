using System.Buffers.Binary;

namespace BackupPlatform.Engine.Fuzz;

/// <summary>Makes new inputs of old ones: the changes that find what a parser takes for granted.</summary>
internal static class Mutation
{
    // Where lengths, counts and signs go over.
    private static readonly ulong[] Edges =
    [
        0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
        0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
    ];

    /// <summary>One to eight changes of <paramref name="input"/>.</summary>
    /// <param name="other">Another input, to take a piece of.</param>
    public static byte[] Of(byte[] input, byte[] other, Random random)
    {
        var result = input;
        for (var changes = 1 + random.Next(random.Next(2) == 0 ? 2 : 8); changes > 0; changes--)
        {
            result = Change(result, other, random);
        }

        return result;
    }

    private static byte[] Change(byte[] input, byte[] other, Random random)
    {
        var at = random.Next(input.Length + 1);
        var length = Math.Min(random.Next(1, 1 + (1 << random.Next(8))), input.Length - at);
        switch (random.Next(8))
        {
            case 0: // Cut off.
                return input[..at];
            case 1: // A piece is gone.
                return [.. input[..at], .. input[(at + length)..]];
            case 2: // A piece comes twice.
                return [.. input[..(at + length)], .. input[at..]];
            case 3: // A piece of noise comes in between.
                var noise = new byte[random.Next(1, 32)];
                random.NextBytes(noise);
                return [.. input[..at], .. noise, .. input[at..]];
            case 4: // Goes on as another input does.
                return [.. input[..at], .. other[random.Next(other.Length + 1)..]];
            case 5 when at < input.Length: // A bit.
                return With(input, bytes => bytes[at] ^= (byte)(1 << random.Next(8)));
            case 6 when at < input.Length: // A byte.
                return With(input, bytes => bytes[at] = (byte)random.Next(256));
            default: // A number at an edge, or next to it.
                return With(input, bytes => WriteEdge(bytes, at, random));
        }
    }

    private static void WriteEdge(byte[] bytes, int at, Random random)
    {
        var value = unchecked(Edges[random.Next(Edges.Length)] + (ulong)random.Next(3) - 1);
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        number = number[..(1 << random.Next(4))];
        number[..Math.Min(number.Length, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
    }

    private static byte[] With(byte[] input, Action<byte[]> change)
    {
        byte[] copy = [.. input];
        change(copy);
        return copy;
    }
}
