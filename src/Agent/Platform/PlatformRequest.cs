using System.Net;

namespace BackupPlatform.Agent.Platform;

/// <summary>A request that can be sent any number of times, to any replica.</summary>
/// <param name="Path">Relative to a service's address; asked for anew at each attempt.</param>
/// <param name="Content">Makes the body of one attempt; null: none.</param>
internal sealed record PlatformRequest(Service Service, HttpMethod Method, Func<string> Path, Func<HttpContent>? Content = null)
{
    public PlatformRequest(Service service, HttpMethod method, string path, Func<HttpContent>? content = null)
        : this(service, method, () => path, content)
    {
    }

    /// <summary>Whether the machine's token goes along.</summary>
    public bool Anonymous { get; init; }

    /// <summary>An error status that the caller reads itself; null: none.</summary>
    public HttpStatusCode? Expected { get; init; }

    /// <summary>How long one attempt may take until the answer's head is there.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>A number that grows with what a long answer has brought so far: growth begins patience anew.</summary>
    public Func<long>? Progressed { get; init; }
}
