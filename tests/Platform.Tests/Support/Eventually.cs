namespace BackupPlatform.Testing.Services;

/// <summary>Waits for what another process or thread brings about.</summary>
public static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks until the answer satisfies a condition.</summary>
    public static async Task<T> GetAsync<T>(Func<Task<T>> ask, Func<T, bool> condition)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (condition(answer))
            {
                return answer;
            }

            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                Assert.Fail($"Still not so after {Patience}: {answer}");
            }

            await Task.Delay(50, cancellation);
        }
    }

    /// <summary>Asks until it is so.</summary>
    public static Task HoldsAsync(Func<Task<bool>> ask) => GetAsync(ask, holds => holds);
}
