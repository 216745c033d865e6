using System.Globalization;
using System.Net;

namespace BackupPlatform.Agent.Platform;

/// <summary>
/// How many bytes a second may be sent, over all requests together: a token bucket that holds a quarter of a second. Safe for
/// many threads.
/// </summary>
/// <param name="bytesPerSecond">At least <see cref="Least"/>.</param>
internal sealed class UploadLimit(long bytesPerSecond, TimeProvider time)
{
    /// <summary>Less would make the platform take the agent for dead. Bytes a second.</summary>
    public const long Least = 1024;

    private readonly Lock _lock = new();
    private readonly long _start = time.GetTimestamp();

    // When everything granted so far will have been sent, counted from the start.
    private TimeSpan _paidUntil = TimeSpan.MinValue;

    /// <summary>Bytes that are sent in one go, so that the line is used evenly.</summary>
    public int Slice { get; } = (int)Math.Clamp(bytesPerSecond / 8, 256, 64 * 1024);

    /// <summary>Reads a rate such as <c>5M</c>: bytes a second, with K, M or G for KiB, MiB or GiB.</summary>
    /// <exception cref="AgentException">It is none, or too small (exit 2).</exception>
    public static UploadLimit Parse(string text, TimeProvider time)
    {
        var unit = text.Length > 0 ? "KMG".IndexOf(char.ToUpperInvariant(text[^1]), StringComparison.Ordinal) : -1;
        var number = unit < 0 ? text : text[..^1];
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            throw AgentException.Usage($"'{text}' is no rate: bytes a second, such as 500K (KiB/s) or 5M (MiB/s).");
        }

        var rate = value * Math.Pow(1024, unit + 1);
        return rate is >= Least and <= long.MaxValue / 2
            ? new UploadLimit((long)rate, time)
            : throw AgentException.Usage($"The rate '{text}' is out of range: at least 1K, which is {Least} bytes a second.");
    }

    /// <summary>How long so many bytes take where others send at the same time.</summary>
    public TimeSpan Expect(long bytes) => TimeSpan.FromSeconds(Math.Min(4.0 * bytes / bytesPerSecond, TimeSpan.FromDays(7).TotalSeconds));

    /// <summary>Waits until so many bytes may be sent.</summary>
    public Task TakeAsync(int bytes, CancellationToken cancellation)
    {
        TimeSpan pause;
        lock (_lock)
        {
            // What was not used a while ago is not made up for.
            var now = time.GetElapsedTime(_start);
            var earliest = now - TimeSpan.FromMilliseconds(250);
            _paidUntil = (_paidUntil > earliest ? _paidUntil : earliest) + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            pause = _paidUntil - now;
        }

        return pause > TimeSpan.Zero ? Task.Delay(pause, time, cancellation) : Task.CompletedTask;
    }
}

/// <summary>A body that goes out no faster than the limit allows.</summary>
internal sealed class LimitedContent : HttpContent
{
    private readonly HttpContent _inner;
    private readonly UploadLimit _limit;

    public LimitedContent(HttpContent inner, UploadLimit limit)
    {
        (_inner, _limit) = (inner, limit);
        foreach (var header in inner.Headers)
        {
            Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await using var limited = new LimitedStream(stream, _limit);
        await _inner.CopyToAsync(limited, context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _inner.Headers.ContentLength ?? 0;
        return _inner.Headers.ContentLength is not null;
    }

    protected override void Dispose(bool disposing)
    {
        _inner.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Leaves the stream that it writes to open.</summary>
    private sealed class LimitedStream(Stream target, UploadLimit limit) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!buffer.IsEmpty)
            {
                var slice = buffer[..Math.Min(buffer.Length, limit.Slice)];
                await limit.TakeAsync(slice.Length, cancellationToken);
                await target.WriteAsync(slice, cancellationToken);
                buffer = buffer[slice.Length..];
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override Task FlushAsync(CancellationToken cancellationToken) => target.FlushAsync(cancellationToken);

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
