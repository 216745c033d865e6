using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using BackupPlatform.Contracts;

namespace BackupPlatform.Portal.Pages;

/// <summary>What a service answered, or why it did not.</summary>
/// <param name="Value">Null where it did not.</param>
/// <param name="Problem">For people; null where it did.</param>
/// <param name="Status">Null where nothing came.</param>
public sealed record Answer<T>(T? Value, string? Problem, HttpStatusCode? Status) where T : class;

/// <summary>Reads the services' APIs as the operator whose token it is given.</summary>
internal sealed class PlatformReader(IHttpClientFactory clients, ILogger<PlatformReader> log)
{
    public const string Client = "owners";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    /// <param name="owner">The service that owns the path.</param>
    public async Task<Answer<T>> ReadAsync<T>(
        string owner, string path, JsonTypeInfo<T> type, string token, CancellationToken cancellationToken) where T : class
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Patience);
        try
        {
            using var client = clients.CreateClient(Client);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{owner}{path}"));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var response = await client.SendAsync(request, limited.Token);
            if (response.IsSuccessStatusCode)
            {
                return new(await response.Content.ReadFromJsonAsync(type, limited.Token), null, response.StatusCode);
            }

            var problem = await response.Content.ReadFromJsonAsync(ContractsJson.Default.ProblemDocument, limited.Token);
            return new(null, problem?.Detail ?? $"The {owner} service refused (HTTP {(int)response.StatusCode}).", response.StatusCode);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested
            && e is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            log.LogWarning(e, "Reading {Path} of {Owner} failed", path, owner);
            return new(null, $"The {owner} service does not answer.", null);
        }
    }
}
