using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BackupPlatform.Engine;

/// <summary>
/// Cuts data where its content says so (FastCDC, normalised; Xia et al., USENIX ATC 2016), so that an insertion changes
/// the chunks around it and no others. Boundaries depend on a table of the machine's own and tell others less.
/// Holds no state between calls; safe for several threads at once.
/// </summary>
public sealed class ContentDefinedChunker(KeyRing keys)
{
    /// <summary>Bytes of a chunk at least, unless the data ends.</summary>
    public const int MinLength = 128 * 1024;

    /// <summary>Bytes of a chunk on the average, on random data.</summary>
    public const int AverageLength = 512 * 1024;

    /// <summary>Bytes of a chunk at most.</summary>
    public const int MaxLength = 2 * 1024 * 1024;

    /// <summary>Before this length a boundary is rare, after it frequent; the average follows from it.</summary>
    internal const int NormalLength = 416 * 1024;

    // A boundary lies where the hash is below the threshold: one position in 2^21, later one in 2^17.
    private const ulong RareThreshold = 1UL << (64 - 21);
    private const ulong FrequentThreshold = 1UL << (64 - 17);

    // The hash of a position covers the 64 bytes before it, because each step shifts the oldest out.
    private const int Window = 64;

    private readonly ulong[] _gear = keys.Gear.ToArray();

    /// <summary>
    /// The length of the chunk that <paramref name="buffered"/> begins with. 0: this cannot be known yet, more bytes are
    /// needed (<see cref="MaxLength"/> always suffice), or there is nothing left.
    /// </summary>
    /// <param name="buffered">What follows the last boundary.</param>
    /// <param name="endOfData">Whether nothing comes after it.</param>
    public int FindCut(ReadOnlySpan<byte> buffered, bool endOfData)
    {
        if (buffered.Length < MaxLength && !endOfData) return 0;
        var end = Math.Min(buffered.Length, MaxLength);
        if (end <= MinLength) return end;
        var hash = 0UL;
        ref var data = ref MemoryMarshal.GetReference(buffered);
        ref var gear = ref MemoryMarshal.GetArrayDataReference(_gear);
        for (var i = MinLength - Window; i < MinLength; i++) hash = Step(hash, ref gear, ref data, i);
        var normal = Math.Min(end, NormalLength);
        var cut = Find(ref data, ref gear, ref hash, MinLength, normal, RareThreshold);
        if (cut == 0 && end > normal) cut = Find(ref data, ref gear, ref hash, normal, end, FrequentThreshold);
        return cut == 0 ? end : cut;
    }

    /// <summary>The first boundary among the lengths from up to (not with) to, or 0.</summary>
    private static int Find(ref byte data, ref ulong gear, ref ulong hash, int from, int to, ulong threshold)
    {
        var h = hash;
        var i = from;
        // The hash at length i covers the bytes before i.
        for (; i < to; i++)
        {
            if (h < threshold) return i;
            h = Step(h, ref gear, ref data, i);
        }
        hash = h;
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Step(ulong hash, ref ulong gear, ref byte data, int i) =>
        (hash << 1) + Unsafe.Add(ref gear, (nint)Unsafe.Add(ref data, (nint)i));
}
