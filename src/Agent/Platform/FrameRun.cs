using BackupPlatform.Formats;

namespace BackupPlatform.Agent.Platform;

/// <summary>
/// Reads a run of frames over as many answers as it takes: a broken one is gone on with where it ended. A frame that comes
/// damaged each of <see cref="DamagedAttempts"/> times is damaged in the vault; it is told and passed over.
/// </summary>
/// <param name="count">How many frames there are.</param>
/// <param name="onFrame">Takes a frame, which is valid until the task is done.</param>
/// <param name="onDamaged">Told of the place and the reason of a damaged frame.</param>
internal sealed class FrameRun(long count, Func<ChunkId, ReadOnlyMemory<byte>, ValueTask> onFrame, Action<ChunkId, long, string> onDamaged)
{
    private const int DamagedAttempts = 3;

    private (long Frame, int Times) _damaged = (-1, 0);

    /// <summary>The frame that the next answer begins with.</summary>
    public long Next { get; private set; }

    /// <summary>Reads one answer, from <see cref="Next"/>.</summary>
    /// <exception cref="IOException">It was not whole: ask for another.</exception>
    public async Task<bool> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var frames = new FrameReader(body);
        try
        {
            while (Next < count && await frames.ReadAsync(cancellation))
            {
                await onFrame(frames.Current.Id, frames.Payload);
                Next++;
            }
        }
        catch (InvalidSegmentException e)
        {
            _damaged = (Next, _damaged.Frame == Next ? _damaged.Times + 1 : 1);
            if (_damaged.Times < DamagedAttempts)
            {
                throw new IOException(e.Message, e);
            }

            onDamaged(frames.Current.Id, Next++, e.Message);
        }

        return Next >= count ? true : throw new IOException("the stream ended before the last chunk");
    }
}
