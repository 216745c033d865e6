using System.Net;
using System.Net.Http.Headers;
using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Platform;

/// <summary>Bodies that are a bare run of chunk ids.</summary>
internal static class ChunkIdRuns
{
    public static byte[] Write(IReadOnlyList<ChunkId> ids)
    {
        var bytes = new byte[ids.Count * ChunkId.Size];
        for (var i = 0; i < ids.Count; i++)
        {
            ids[i].CopyTo(bytes.AsSpan(i * ChunkId.Size));
        }

        return bytes;
    }

    public static List<ChunkId> Read(ReadOnlySpan<byte> bytes)
    {
        var ids = new List<ChunkId>(bytes.Length / ChunkId.Size);
        for (; bytes.Length >= ChunkId.Size; bytes = bytes[ChunkId.Size..])
        {
            ids.Add(new ChunkId(bytes[..ChunkId.Size]));
        }

        return ids;
    }
}

/// <summary>A body of any length that is written as it goes out.</summary>
internal sealed class WrittenContent : HttpContent
{
    private readonly Func<Stream, Task> _write;

    public WrittenContent(Func<Stream, Task> write, string mediaType)
    {
        _write = write;
        Headers.ContentType = new MediaTypeHeaderValue(mediaType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _write(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
