using System.Net;
using System.Net.Http.Json;
using System.Reflection;
using System.Text;
using BackupPlatform.Contracts;

namespace BackupPlatform.Platform.Tests;

public sealed class ProblemTests(CounterHost host) : IClassFixture<CounterHost>, IDisposable
{
    private readonly HttpClient client = new() { BaseAddress = host.Service.Address };

    public static TheoryData<string> Codes => [.. typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(constant => (string)constant.GetRawConstantValue()!)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task GivenARefusal_WhenItIsAnsweredOrThrown_ThenItIsAProblemWithItsCodeAndStatus(string code)
    {
        foreach (var path in new[] { "refused", "thrown" })
        {
            var answer = await client.GetAsync($"/{path}/{code}", Cancellation);
            await IsProblemAsync(answer, code);
            Assert.Equal(Status(code), answer.StatusCode);
            Assert.Equal(code is ProblemCodes.Unavailable or ProblemCodes.RateLimited, answer.Headers.RetryAfter is not null);
            Assert.Equal(answer.StatusCode == HttpStatusCode.Unauthorized, answer.Headers.WwwAuthenticate.Count > 0);
        }
    }

    [Fact]
    public async Task GivenABug_WhenItThrows_ThenTheAnswerIsAProblemWithoutItsSecrets()
    {
        var answer = await client.GetAsync("/broken", Cancellation);

        await IsProblemAsync(answer, ProblemCodes.Unavailable);
        Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GivenAnUnknownAddressOrMethodOrBody_WhenAsked_ThenTheAnswerIsAProblem()
    {
        using var garbage = new StringContent("{", Encoding.UTF8, "application/json");

        await IsProblemAsync(await client.GetAsync("/nowhere", Cancellation), ProblemCodes.NotFound);
        await IsProblemAsync(await client.DeleteAsync("/broken", Cancellation), ProblemCodes.Invalid);
        await IsProblemAsync(await client.PostAsync("/number", garbage, Cancellation), ProblemCodes.Invalid);
    }

    [Fact]
    public async Task GivenATokenThatIsNone_WhenShown_ThenTheAnswerIsUnauthenticated()
    {
        foreach (var token in new[] { "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJiYWNrdXAtcGxhdGZvcm0vdmF1bHQifQ." })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/health");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            var answer = await client.SendAsync(request, Cancellation);
            Assert.True(answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.ServiceUnavailable, $"{token}: {answer.StatusCode}");
        }
    }

    public void Dispose() => client.Dispose();

    private static HttpStatusCode Status(string code) => code switch
    {
        ProblemCodes.Unauthenticated or ProblemCodes.CredentialsExpired or ProblemCodes.CredentialsInvalid
            or ProblemCodes.CredentialsRevoked => HttpStatusCode.Unauthorized,
        ProblemCodes.Forbidden => HttpStatusCode.Forbidden,
        ProblemCodes.NotFound => HttpStatusCode.NotFound,
        ProblemCodes.Invalid => HttpStatusCode.BadRequest,
        ProblemCodes.Integrity => HttpStatusCode.UnprocessableEntity,
        ProblemCodes.RateLimited => HttpStatusCode.TooManyRequests,
        ProblemCodes.Unavailable => HttpStatusCode.ServiceUnavailable,
        _ => HttpStatusCode.Conflict,
    };

    private static async Task IsProblemAsync(HttpResponseMessage answer, string code)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync(ContractsJson.Default.ProblemDocument, Cancellation);
        Assert.Equal((code, (int)answer.StatusCode), (problem!.Code, problem.Status));
        Assert.False(string.IsNullOrEmpty(problem.Detail));
    }
}
