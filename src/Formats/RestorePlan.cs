using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;

namespace BackupPlatform.Formats;

/// <summary>
/// Where the chunks of a restore job lie, in the order in which they are streamed: by pack, and within a pack by offset. Ingest
/// writes it as a blob <c>restore-jobs/{job}/plan-{attempt}</c>, restore reads it. See RESTORE-PLAN.md for the bytes.
/// </summary>
public static class RestorePlan
{
    /// <summary>Packs in a plan at most: 128 TiB of full packs.</summary>
    public const int MaxPacks = 4 * 1024 * 1024;

    /// <summary>Bytes of one entry.</summary>
    public const int EntrySize = 16;

    internal const int HeaderSize = 72;
    internal const int PackSize = 16;
    private const int ChecksumOffset = 64;

    private static ReadOnlySpan<byte> Magic => "BPPLAN\0\x01"u8;

    /// <summary>Name of a blob with a restore job's plan.</summary>
    /// <param name="attempt">Another one each time a plan is written, so that no attempt touches another's.</param>
    public static string BlobName(Guid restoreJobId, Guid attempt) => $"{Folder(restoreJobId)}plan-{attempt:N}";

    /// <summary>What the names of all blobs of a restore job begin with.</summary>
    public static string Folder(Guid restoreJobId) => $"restore-jobs/{restoreJobId:D}/";

    /// <summary>Reads header and pack table from the beginning of a plan.</summary>
    /// <exception cref="InvalidRestorePlanException">The bytes are no plan.</exception>
    public static async ValueTask<RestorePlanHead> ReadHeadAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var header = new byte[HeaderSize];
        await FillAsync(stream, header, cancellationToken);
        if (!header.AsSpan().StartsWith(Magic))
        {
            throw new InvalidRestorePlanException("The bytes do not begin with a restore plan of version 1.");
        }

        var packCount = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(40));
        var entries = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(48));
        var frameBytes = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(56));
        if (packCount is 0 or > MaxPacks || entries < packCount || frameBytes < entries)
        {
            throw new InvalidRestorePlanException("The restore plan's counts are out of range.");
        }

        var table = new byte[packCount * PackSize];
        await FillAsync(stream, table, cancellationToken);
        if (Checksum(header.AsSpan(0, ChecksumOffset), table) != BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(ChecksumOffset)))
        {
            throw new InvalidRestorePlanException("The restore plan does not match its checksum.");
        }

        var packs = new Guid[packCount];
        for (var i = 0; i < packs.Length; i++)
        {
            packs[i] = new Guid(table.AsSpan(i * PackSize, PackSize), bigEndian: true);
        }

        return new RestorePlanHead(
            new Guid(header.AsSpan(8, 16), bigEndian: true), new Guid(header.AsSpan(24, 16), bigEndian: true), packs, entries, frameBytes);
    }

    /// <summary>Reads entries from a stream that begins with one, up to the plan's last; memory does not grow with their number.</summary>
    /// <param name="stream">The plan from <see cref="RestorePlanHead.OffsetOf"/> of <paramref name="from"/> on.</param>
    /// <param name="head">What the plan began with.</param>
    /// <param name="from">Number of the first entry in the stream, from 0.</param>
    /// <exception cref="InvalidRestorePlanException">An entry is out of order or names no pack, or entries are missing.</exception>
    public static async IAsyncEnumerable<RestorePlanEntry> ReadEntriesAsync(
        Stream stream, RestorePlanHead head, long from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var buffer = new byte[1024 * EntrySize];
        RestorePlanEntry? last = null;
        for (var left = head.EntryCount - from; left > 0;)
        {
            var count = (int)Math.Min(left, buffer.Length / EntrySize);
            await FillAsync(stream, buffer.AsMemory(0, count * EntrySize), cancellationToken);
            for (var i = 0; i < count; i++)
            {
                var entry = ReadEntry(buffer.AsSpan(i * EntrySize, EntrySize));
                if (Fault(entry, last, head.Packs.Count) is { } fault)
                {
                    throw new InvalidRestorePlanException(fault);
                }

                last = entry;
                yield return entry;
            }

            left -= count;
        }
    }

    internal static byte[] WriteHead(RestorePlanHead head)
    {
        if (head.Packs.Count is 0 or > MaxPacks)
        {
            throw new ArgumentException($"A restore plan has 1 to {MaxPacks} packs.", nameof(head));
        }

        var bytes = new byte[HeaderSize + (head.Packs.Count * PackSize)];
        Magic.CopyTo(bytes);
        head.VaultId.TryWriteBytes(bytes.AsSpan(8), bigEndian: true, out _);
        head.MachineId.TryWriteBytes(bytes.AsSpan(24), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(40), (uint)head.Packs.Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(48), head.EntryCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), head.FrameBytes);
        for (var i = 0; i < head.Packs.Count; i++)
        {
            head.Packs[i].TryWriteBytes(bytes.AsSpan(HeaderSize + (i * PackSize)), bigEndian: true, out _);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(
            bytes.AsSpan(ChecksumOffset), Checksum(bytes.AsSpan(0, ChecksumOffset), bytes.AsSpan(HeaderSize)));
        return bytes;
    }

    internal static void WriteEntry(RestorePlanEntry entry, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)entry.Pack);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (uint)entry.Length);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], entry.Offset);
    }

    internal static string? Fault(RestorePlanEntry entry, RestorePlanEntry? last, int packs) => entry switch
    {
        { Pack: var pack } when pack < 0 || pack >= packs => "An entry of the restore plan names no pack of it.",
        { Offset: < 0 } or { Length: <= SegmentFormat.FrameHeaderSize or > SegmentFormat.FrameHeaderSize + SegmentFormat.MaxSealedChunkBytes }
            => "An entry of the restore plan is no frame.",
        _ when last is { } before && (entry.Pack < before.Pack || (entry.Pack == before.Pack && entry.Offset < before.End))
            => "The restore plan's entries are out of order.",
        _ => null,
    };

    private static RestorePlanEntry ReadEntry(ReadOnlySpan<byte> source) => new(
        (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(source), int.MaxValue),
        BinaryPrimitives.ReadInt64LittleEndian(source[8..]),
        (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), int.MaxValue));

    private static ulong Checksum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> table)
    {
        var hash = new XxHash3();
        hash.Append(header);
        hash.Append(table);
        return hash.GetCurrentHashAsUInt64();
    }

    private static async ValueTask FillAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) < buffer.Length)
        {
            throw new InvalidRestorePlanException("The restore plan is cut off.");
        }
    }
}

/// <summary>What a restore plan begins with.</summary>
/// <param name="VaultId">The vault whose packs these are.</param>
/// <param name="MachineId">The machine whose packs these are.</param>
/// <param name="Packs">Ids of the packs, in the order of the entries; 1 to <see cref="RestorePlan.MaxPacks"/>.</param>
/// <param name="EntryCount">How many chunks the plan holds.</param>
/// <param name="FrameBytes">How many bytes their frames have together.</param>
public sealed record RestorePlanHead(Guid VaultId, Guid MachineId, IReadOnlyList<Guid> Packs, long EntryCount, long FrameBytes)
{
    /// <summary>Where an entry begins in the plan, in bytes from its beginning.</summary>
    /// <param name="entry">From 0.</param>
    public long OffsetOf(long entry) =>
        RestorePlan.HeaderSize + ((long)Packs.Count * RestorePlan.PackSize) + (entry * RestorePlan.EntrySize);

    /// <summary>Name of the blob with a pack of the plan.</summary>
    /// <param name="index">Index in <see cref="Packs"/>.</param>
    public string PackBlob(int index) => $"vaults/{VaultId:D}/machines/{MachineId:D}/packs/{Packs[index]:D}";
}

/// <summary>One chunk of a restore plan: the frame to stream.</summary>
/// <param name="Pack">Index in <see cref="RestorePlanHead.Packs"/>.</param>
/// <param name="Offset">Where the frame begins, in bytes from the pack's beginning.</param>
/// <param name="Length">Bytes of the whole frame, its header counted.</param>
public readonly record struct RestorePlanEntry(int Pack, long Offset, int Length)
{
    /// <summary>Where the frame ends. The next entry of the same pack that begins here can be read with it in one go.</summary>
    public long End => Offset + Length;
}

/// <summary>Bytes that should be a restore plan and are not; the message says why.</summary>
public sealed class InvalidRestorePlanException(string message) : FormatException(message);
