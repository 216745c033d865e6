namespace BackupPlatform.LocalHosting;

/// <summary>Ends what a killed host left behind, beside its guard, which may still be at it.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(20);

    /// <summary>Returns when no process carries the mark any more.</summary>
    public static async Task EndAsync(string mark)
    {
        var clock = TimeProvider.System;
        var begun = clock.GetTimestamp();
        for (var asked = false; ; asked = true)
        {
            var left = ProcFs.WithMark(mark);
            if (left.Count == 0) return;
            var passed = clock.GetElapsedTime(begun);
            if (passed > GiveUp) throw new HostingException($"processes of an earlier run do not end: {string.Join(", ", left)}; end them and start again");
            foreach (var id in left)
            {
                if (!asked) Posix.Signal(id, Posix.Quit);
                else if (passed > Grace) Posix.Signal(id, Posix.Kill);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), clock);
        }
    }
}
