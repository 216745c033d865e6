using BackupPlatform.Agent.Platform;

namespace BackupPlatform.Agent.Tests;

public sealed class UploadLimitTests
{
    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("5T")]
    [InlineData("-5M")]
    [InlineData("0")]
    [InlineData("1023")]
    [InlineData("0.5K")]
    [InlineData("NaN")]
    [InlineData("99999999999999999999G")]
    public void GivenNoRate_WhenParsed_ThenItIsRefusedAsUsage(string text) =>
        Assert.Equal(2, Assert.Throws<AgentException>(() => UploadLimit.Parse(text, TimeProvider.System)).ExitStatus);

    [Theory]
    [InlineData("1024", 1024)]
    [InlineData("500K", 500 * 1024)]
    [InlineData("500k", 500 * 1024)]
    [InlineData("5M", 5 * 1024 * 1024)]
    [InlineData("1.5M", 3 * 512 * 1024)]
    public void GivenARate_WhenManySend_ThenTogetherTheyGetNoMoreThanIt(string text, long rate)
    {
        var time = new StandingClock();
        var limit = UploadLimit.Parse(text, time);
        long granted = 0;

        // Time stands still: whoever has to wait is not granted.
        while (limit.TakeAsync(limit.Slice, TestContext.Current.CancellationToken).IsCompletedSuccessfully)
        {
            granted += limit.Slice;
        }

        Assert.InRange(granted, rate / 4 - limit.Slice, rate / 4 + limit.Slice);
        Assert.InRange(time.LastDue.TotalSeconds, 0, (double)limit.Slice / rate);
    }

    /// <summary>A clock that does not move, and remembers how long the last one wanted to wait.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public TimeSpan LastDue { get; private set; }

        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            LastDue = dueTime;
            return new NoTimer();
        }
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
