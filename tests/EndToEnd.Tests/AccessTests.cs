using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using BackupPlatform.Contracts.Ingest;
using static BackupPlatform.EndToEnd.Tests.CallerKind;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Every call of the API by every kind of caller.</summary>
public sealed partial class AccessTests(SharedPlatform platform)
{
    private const string Json = "application/json";

    private static readonly CallerKind[] Nobody = [None, Garbage, Expired, Deregistered];
    private static readonly CallerKind[] Operators = [Tenant, CallerKind.Platform];
    private static readonly CallerKind[] Machines = [OwnMachine];
    private static readonly CallerKind[] Readers = [OwnMachine, Recovery];
    private static readonly CallerKind[] Everyone = [.. Operators, .. Readers];

    /// <summary>
    /// Who may, and what comes then; <c>{S}</c> and so on stand for ids of the one machine that all is about. The last rows end what
    /// the others need.
    /// </summary>
    private static readonly Row[] Rows =
    [
        new("GET", "/api/subscriptions", Operators, 200, OtherTenant: 200),
        new("POST", "/api/subscriptions", [CallerKind.Platform], 201, """{"name":"another one"}""", OtherTenant: 403),
        new("GET", "/api/subscriptions/{S}/vaults", Operators, 200),
        new("POST", "/api/subscriptions/{S}/vaults", Operators, 201, """{"name":"vault {unique}","redundancy":"LRS"}"""),
        new("GET", "/api/vaults/{V}", Operators, 200),
        new("POST", "/api/vaults/{V}/credentials", Operators, 201),
        new("GET", "/api/vaults/{V}/credentials", Operators, 200),
        new("GET", "/api/vaults/{V}/machines", Operators, 200),
        new("GET", "/api/vaults/{V}/jobs", Operators, 200),
        new("GET", "/api/vaults/{V}/restore-jobs", Operators, 200),
        new("GET", "/api/machines/{M}", [.. Operators, .. Machines], 200),
        new("GET", "/api/machines/{M}/key-header", Machines, 200, Service: "registration"),
        new("PUT", "/api/machines/{M}/key-header", Machines, 400, """{"revision":2}""", Service: "registration", OtherMachine: 400),
        new("GET", "/api/machines/{M}/recovery-points", Everyone, 200),
        new("GET", "/api/machines/{M}/jobs", [.. Operators, .. Machines], 200),
        new("GET", "/api/machines/{M}/restore-jobs", Everyone, 200),
        new("GET", "/api/backup-jobs/{J}", [.. Operators, .. Machines], 200),
        new("POST", "/api/backup-jobs/{J}/chunks/missing", Machines, 409, "", ChunkIdLists.MediaType, Service: "ingest"),
        new("PUT", "/api/backup-jobs/{J}/segments/{n}", Machines, 409, "no segment", ChunkIdLists.FramesMediaType, Service: "ingest"),
        new("POST", "/api/backup-jobs/{J}/seal", Machines, 200, "no seal", ChunkIdLists.SealMediaType, Service: "ingest"),
        new("GET", "/api/recovery-points/{R}", Everyone, 200),
        new("GET", "/api/recovery-points/{R}/manifest", Readers, 200),
        new("POST", "/api/recovery-points/{R}/chunks", Readers, 200, "", ChunkIdLists.MediaType, Service: "ingest"),
        new("POST", "/api/recovery-points/{R}/chunks/missing", Readers, 200, "", ChunkIdLists.MediaType, Service: "ingest"),
        new("GET", "/api/restore-jobs/{X}", Everyone, 200),
        new("GET", "/api/restore-jobs/{X}/events", Everyone, 200),
        new("PUT", "/api/restore-jobs/{X}/selection", Readers, 409, new string('x', 32), ChunkIdLists.MediaType, Service: "restore"),
        new("GET", "/api/restore-jobs/{X}/frames", Readers, 409, Service: "restore"),
        new("POST", "/api/restore-jobs/{X}/completion", Readers, 204, """{"succeeded":true}"""),
        new("POST", "/api/restore-jobs", Everyone, 201, """{"recoveryPointId":"{R}"}"""),
        new("POST", "/api/backup-jobs", Machines, 201, """{"item":"other"}""", OtherMachine: 201),
        new("DELETE", "/api/backup-jobs/{J}", [.. Operators, .. Machines], 409),
        new("DELETE", "/api/restore-jobs/{X}", Everyone, 409),
        new("DELETE", "/api/recovery-points/{R}", Operators, 204),
        new("POST", "/api/recovery-points/{R}/undelete", Operators, 204),
        new("DELETE", "/api/vaults/{V}", Operators, 409),
        new("DELETE", "/api/machines/{D}", Operators, 204),
        new("POST", "/api/machines/{M}/unregistration", Machines, 204, Service: "registration"),
        new("DELETE", "/api/vaults/{V}/credentials/{C}", Operators, 204),
    ];

    /// <summary>These take no token: credentials, or a signature over a nonce, are in the body.</summary>
    private static readonly string[] WithoutToken =
    [
        "POST /api/machines", "POST /api/machines/{}/token-challenges", "POST /api/machines/{}/tokens", "POST /api/recovery-challenges",
        "POST /api/machines/{}/recovery-tokens", "PUT /api/machines/{}/identity",
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenEveryKindOfCaller_WhenEachCallIsMade_ThenItAnswersAsTheTableSays()
    {
        await using var callers = await Callers.CreateAsync(platform);
        // Who is refused comes first: if they were not, who may would find it gone. They change nothing, so they come side by side:
        // what does not exist is answered only after some seconds, in which it might come to be known.
        using var places = new SemaphoreSlim(48);
        var refused = await Task.WhenAll(
            from row in Rows from kind in Enum.GetValues<CallerKind>().Except(row.Allowed) select TryInTurnAsync(places, callers, kind, row));
        var wrong = refused.OfType<string>().ToList();
        foreach (var (row, kind) in Rows.SelectMany(row => row.Allowed.Select(kind => (row, kind))))
        {
            if (await TryAsync(callers, kind, row) is { } problem) wrong.Add(problem);
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task GivenTheServicesOwnDescriptions_WhenComparedWithTheTable_ThenNoCallIsLeftOut()
    {
        var described = new HashSet<string>();
        using var client = new HttpClient();
        var endpoints = platform.Endpoints;
        foreach (var service in new[] { endpoints.Vault, endpoints.Registration, endpoints.Ingest, endpoints.Retention, endpoints.Restore })
        {
            var document = await client.GetFromJsonAsync<JsonElement>(new Uri(service, "/openapi/v1.json"), Stop);
            if (!document.TryGetProperty("paths", out var paths)) continue;
            described.UnionWith(
                from path in paths.EnumerateObject() from call in path.Value.EnumerateObject() select $"{call.Name.ToUpperInvariant()} {Shape(path.Name)}");
        }

        var tried = Rows.Select(row => $"{row.Method} {Shape(row.Path)}").Concat(WithoutToken);

        Assert.Equal(described.Order(StringComparer.Ordinal), tried.Order(StringComparer.Ordinal));
    }

    private async Task<string?> TryInTurnAsync(SemaphoreSlim places, Callers callers, CallerKind kind, Row row)
    {
        await places.WaitAsync(Stop);
        try
        {
            return await TryAsync(callers, kind, row);
        }
        finally
        {
            places.Release();
        }
    }

    private static string Shape(string path) => Placeholder().Replace(path, "{}");

    /// <returns>What is wrong with the answer; null where nothing is.</returns>
    private async Task<string?> TryAsync(Callers callers, CallerKind kind, Row row)
    {
        var (status, problem) = await CallAsync(callers, kind, row, callers.Ids);
        var expected = row.Expected(kind);
        if (!expected.Contains((int)status) || ((int)status >= 400 && problem is null))
        {
            return $"{row.Method} {row.Path} by {kind}: {(int)status} instead of {string.Join(" or ", expected)}, {problem}";
        }

        if (kind is not (OtherTenant or OtherMachine) || status != HttpStatusCode.NotFound)
        {
            return null;
        }

        var (_, unknown) = await CallAsync(callers, kind, row, callers.Ids.ToDictionary(id => id.Key, _ => Guid.CreateVersion7()));
        return problem == unknown ? null : $"{row.Method} {row.Path} by {kind}: '{problem}', but for what does not exist '{unknown}'";
    }

    private async Task<(HttpStatusCode Status, string? Problem)> CallAsync(
        Callers callers, CallerKind kind, Row row, Dictionary<string, Guid> ids)
    {
        using var client = callers.Client(kind, row.Service is { } service ? DirectAddress(service) : null);
        using var request = new HttpRequestMessage(new HttpMethod(row.Method), Fill(row.Path, ids).Replace("{n}", "9", StringComparison.Ordinal));
        if (row.Body is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Fill(body, ids)));
            request.Content.Headers.ContentType = new(row.MediaType);
        }

        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return (answer.StatusCode, null);
        }

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Stop);
        return (answer.StatusCode, $"{problem.GetProperty("code")}: {problem.GetProperty("detail")}");
    }

    private Uri DirectAddress(string service) => service switch
    {
        "registration" => platform.Endpoints.Registration,
        "ingest" => platform.Endpoints.Ingest,
        _ => platform.Endpoints.Restore,
    };

    private static string Fill(string text, Dictionary<string, Guid> ids) =>
        ids.Aggregate(text, (filled, id) => filled.Replace($"{{{id.Key}}}", id.Value.ToString("D"), StringComparison.Ordinal))
            .Replace("{unique}", Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture), StringComparison.Ordinal);

    [GeneratedRegex("{[^}]*}")]
    private static partial Regex Placeholder();

    /// <param name="Allowed">Who may.</param>
    /// <param name="Status">What they get.</param>
    /// <param name="Service">The service that is called directly; null: through the portal.</param>
    private sealed record Row(
        string Method,
        string Path,
        CallerKind[] Allowed,
        int Status,
        string? Body = null,
        string MediaType = Json,
        string? Service = null,
        int OtherTenant = 404,
        int OtherMachine = 404)
    {
        /// <remarks>Where a kind of caller may never do a thing, forbidden says so without telling of any one; else not-found hides it.</remarks>
        public int[] Expected(CallerKind kind) => kind switch
        {
            _ when Allowed.Contains(kind) => [Status],
            _ when Nobody.Contains(kind) => [401],
            CallerKind.OtherTenant => Allowed.Contains(Tenant) || OtherTenant != 404 ? [OtherTenant] : [403, 404],
            CallerKind.OtherMachine => Allowed.Contains(OwnMachine) ? [OtherMachine] : [403, 404],
            Recovery => [403, 404],
            _ => [403],
        };
    }
}
