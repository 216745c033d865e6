using System.IO.Pipes;
using BackupPlatform.Agent.Backup;

namespace BackupPlatform.Agent.Tests;

public sealed class StreamSourceTests
{
    [Fact]
    public async Task GivenACommandThatSucceeds_WhenRead_ThenAllItWroteIsThere()
    {
        using var source = StreamSource.OfCommand("x", ["sh", "-c", "head -c 3000000 /dev/zero; echo end"], Cancellation);
        var (count, space) = (0L, new byte[70_000]);
        while (source.Read(space) is > 0 and var read)
        {
            count += read;
        }

        await source.FinishAsync(Cancellation);
        Assert.Equal(3_000_004, count);
    }

    [Theory]
    [InlineData("echo some; exit 3", "status 3")]
    [InlineData("echo some; kill -9 $$", "status 137")]
    public async Task GivenACommandThatFails_WhenItsEndIsRead_ThenItIsNoBackupAndTheStatusIsNamed(string script, string named)
    {
        using var source = StreamSource.OfCommand("x", ["sh", "-c", script], Cancellation);
        while (source.Read(new byte[100]) > 0)
        {
        }

        var failure = await Assert.ThrowsAsync<AgentException>(() => source.FinishAsync(Cancellation));
        Assert.Equal((1, "command-failed"), (failure.ExitStatus, failure.Code));
        Assert.Contains(named, failure.Message);
    }

    [Fact]
    public void GivenACommandThatDoesNotExist_WhenStarted_ThenItIsTold()
    {
        var failure = Assert.Throws<AgentException>(() => StreamSource.OfCommand("x", ["/no/such/command"], Cancellation));
        Assert.Equal("command-failed", failure.Code);
    }

    [Fact]
    public async Task GivenAPipeThatIsSilent_WhenInterrupted_ThenReadingEndsAtOnce()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, pipe.ClientSafePipeHandle);
        using var stop = new CancellationTokenSource();
        using var source = StreamSource.OfInput("x", pipe, stop.Token);
        var reading = Task.Run(() => source.Read(new byte[10]), Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public void GivenAStreamThatBreaks_WhenRead_ThenItIsNoEnd()
    {
        using var source = StreamSource.OfInput("x", new BreakingStream(), Cancellation);
        Assert.Equal(5, source.Read(new byte[5]));
        Assert.Throws<IOException>(() => source.Read(new byte[5]));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Gives five bytes, and breaks.</summary>
    private sealed class BreakingStream : MemoryStream
    {
        private bool _given;

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_given)
            {
                throw new IOException("broken");
            }

            _given = true;
            return 5;
        }
    }
}
