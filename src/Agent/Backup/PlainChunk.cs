using System.Buffers;
using BackupPlatform.Engine;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Backup;

/// <summary>A chunk on its way to the vault, in a buffer of the shared pool.</summary>
internal readonly record struct PlainChunk(ChunkKind Kind, ChunkId Id, byte[] Buffer, int Length)
{
    public ReadOnlySpan<byte> Content => Buffer.AsSpan(0, Length);

    public static PlainChunk Copy(ChunkKind kind, ChunkId id, ReadOnlySpan<byte> content)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(content.Length);
        content.CopyTo(buffer);
        return new PlainChunk(kind, id, buffer, content.Length);
    }

    public void Release() => ArrayPool<byte>.Shared.Return(Buffer);
}
