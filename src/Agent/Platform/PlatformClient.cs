using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using BackupPlatform.Contracts;

namespace BackupPlatform.Agent.Platform;

/// <summary>
/// Sends requests to the platform and does not give up early: a lost connection, a fallen replica and an answer that asks
/// for patience are tried again, over every address that is known, until patience ends (exit 8).
/// </summary>
internal sealed class PlatformClient(Endpoints endpoints, RetryPolicy policy) : IDisposable
{
    // What a body of a length that is not known beforehand is taken for, in bytes: lists of chunk ids.
    private const long MaxUnknownBody = 64 * 1024 * 1024;

    private readonly HttpClient _http = CreateHttpClient();

    public Endpoints Endpoints => endpoints;

    /// <summary>Where tokens come from; null where none are needed.</summary>
    public AccessTokens? Tokens { get; set; }

    /// <summary>How fast bodies may go out; null: as fast as they do.</summary>
    public UploadLimit? UploadLimit { get; init; }

    /// <summary>Sends until there is an answer, and reads it; a failure while reading counts as a failed attempt.</summary>
    /// <exception cref="AgentException">The platform refused it, or cannot be reached.</exception>
    public async Task<T> SendAsync<T>(
        PlatformRequest request, Func<HttpResponseMessage, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        var attempts = new Attempts(policy, request.Progressed);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var address = endpoints.Current(request.Service);
            var failure = default(Failure);
            try
            {
                using var response = await SendOnceAsync(address, request, cancellation);
                if (response.IsSuccessStatusCode || response.StatusCode == request.Expected)
                {
                    return await read(response, cancellation);
                }

                failure = await JudgeAsync(request, response, attempts, cancellation);
            }
            catch (Exception e) when (RetryPolicy.IsTransient(e) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failure = new Failure(e is OperationCanceledException ? "no answer in time" : Reason(e), null, e);
            }

            if (!failure.IsMended)
            {
                endpoints.Fail(request.Service, address);
            }

            await attempts.WaitAsync(request.Service, address, failure, endpoints.Count(request.Service), cancellation);
        }
    }

    /// <summary>Sends and reads a document.</summary>
    public Task<T> SendAsync<T>(PlatformRequest request, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(request, (response, stop) => ReadAsync(response, type, stop), cancellation);

    /// <summary>Reads the answer's document.</summary>
    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw new AgentException(ExitCodes.Failed, "failed", $"The platform's answer cannot be understood: {e.Message}", e);
        }
    }

    /// <summary>A body of one document.</summary>
    public static Func<HttpContent> Body<T>(T value, JsonTypeInfo<T> type) => () =>
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    };

    /// <summary>A body of bytes.</summary>
    public static Func<HttpContent> Body(ReadOnlyMemory<byte> bytes, string mediaType) => () =>
    {
        var content = new ReadOnlyMemoryContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    };

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendOnceAsync(Uri address, PlatformRequest request, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(request.Method, new Uri(address, request.Path())) { Content = request.Content?.Invoke() };
        var timeout = request.Timeout;
        if (UploadLimit is { } slow && message.Content is { } content)
        {
            timeout += slow.Expect(content.Headers.ContentLength ?? MaxUnknownBody);
            message.Content = new LimitedContent(content, slow);
        }

        if (!request.Anonymous && Tokens is { } tokens)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await tokens.GetAsync(this, cancellation));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        return await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
    }

    /// <summary>The reason to try again, or the exception that ends it.</summary>
    private async Task<Failure> JudgeAsync(
        PlatformRequest request, HttpResponseMessage response, Attempts attempts, CancellationToken cancellation)
    {
        var problem = await ReadProblemAsync(response, cancellation);
        if (response.StatusCode == HttpStatusCode.Unauthorized && !request.Anonymous && Tokens is { } tokens && attempts.MayRenewToken())
        {
            tokens.Forget(response.RequestMessage?.Headers.Authorization?.Parameter);
            return new Failure("the token was refused", null, null) { IsMended = true };
        }

        if (!RetryPolicy.IsTransient(response.StatusCode))
        {
            throw PlatformRefusal.Of(problem, (int)response.StatusCode);
        }

        var reason = problem?.Detail ?? $"status {(int)response.StatusCode}";
        return new Failure(reason, response.Headers.RetryAfter?.Delta, null);
    }

    private static async Task<ProblemDocument?> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json"))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(
                await response.Content.ReadAsByteArrayAsync(cancellation), ContractsJson.Default.ProblemDocument);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Reason(Exception failure) => failure.InnerException is { } inner ? inner.Message : failure.Message;

    /// <summary>With keep-alive probes: a long answer from a peer that is gone without a word ends within a minute.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static HttpClient CreateHttpClient()
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            ConnectCallback = ConnectAsync,
        };
        var http = new HttpClient(handler)
        {
            // Each attempt has its own limit: a stream of a restore takes as long as it takes.
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        http.DefaultRequestHeaders.ExpectContinue = false;
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("backup-agent", AgentVersion.Text));
        return http;
    }
}
