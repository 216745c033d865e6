using System.Net;
using System.Net.Sockets;
using System.Xml;

namespace BackupPlatform.Agent.Platform;

/// <summary>How long a request is tried again before the platform counts as not reachable.</summary>
/// <param name="Patience">From the first failure in a row; a success or progress begins anew.</param>
internal sealed record RetryPolicy(TimeSpan Patience)
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    public static RetryPolicy Default { get; } = new(TimeSpan.FromMinutes(2));

    /// <summary>Two minutes, or what BACKUP_AGENT_PATIENCE says as an ISO-8601 duration.</summary>
    public static RetryPolicy FromEnvironment(Func<string, string?> environment)
    {
        var text = environment("BACKUP_AGENT_PATIENCE");
        try
        {
            return string.IsNullOrEmpty(text) ? Default : new RetryPolicy(XmlConvert.ToTimeSpan(text));
        }
        catch (FormatException)
        {
            throw AgentException.Usage($"BACKUP_AGENT_PATIENCE is '{text}', which is no ISO-8601 duration such as PT2M.");
        }
    }

    /// <summary>
    /// How long to wait before an attempt: doubling, with jitter so that a thousand agents do not come back at once, and at
    /// least what the platform asked for.
    /// </summary>
    /// <param name="failures">Failures in a row, from 1.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan Pause(int failures, TimeSpan? retryAfter, double random)
    {
        var longest = Math.Min(s_longestPause.Ticks, s_firstPause.Ticks * Math.Pow(2, Math.Min(failures, 20) - 1));
        var pause = TimeSpan.FromTicks((long)(longest * (0.5 + (random / 2))));
        return retryAfter is { } asked && asked > pause ? asked : pause;
    }

    /// <summary>Whether the platform may answer otherwise when asked again.</summary>
    public static bool IsTransient(HttpStatusCode status) =>
        (int)status >= 500 || status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;

    /// <summary>Whether a failure is of the connection, rather than of the request.</summary>
    public static bool IsTransient(Exception failure) => failure is HttpRequestException or IOException or SocketException;
}
