using BackupPlatform.Contracts;
using Microsoft.AspNetCore.Http;

namespace BackupPlatform.ServiceDefaults;

/// <summary>A request that is understood and not done: an expected outcome, not an exception.</summary>
/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
/// <param name="Detail">What happened, and what to do next.</param>
/// <param name="Errors">For <see cref="ProblemCodes.Invalid"/>: messages by field.</param>
public sealed record Refusal(string Code, string Detail, IReadOnlyDictionary<string, string[]>? Errors = null)
{
    /// <summary>There is no such thing, or it is another tenant's.</summary>
    public static Refusal NotFound(string what) => new(ProblemCodes.NotFound, $"There is no such {what}.");

    /// <summary>The caller is known and may not do that.</summary>
    public static Refusal Forbidden(string detail) => new(ProblemCodes.Forbidden, detail);

    /// <summary>One field of the request is wrong.</summary>
    public static Refusal Invalid(string field, string message) => new(
        ProblemCodes.Invalid, message, new Dictionary<string, string[]> { [field] = [message] });

    /// <summary>Something is not there yet, or just not now: the caller should ask again.</summary>
    public static Refusal Unavailable(string detail) => new(ProblemCodes.Unavailable, detail);

    /// <summary>Asked too often.</summary>
    /// <param name="retryAfter">When to ask again; told in whole seconds, at least 1.</param>
    public static Refusal RateLimited(string detail, TimeSpan retryAfter) =>
        new(ProblemCodes.RateLimited, detail) { RetryAfter = retryAfter };

    /// <summary>When it is worth asking again; null where the code alone says.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The HTTP status of the code.</summary>
    public int Status => Code switch
    {
        ProblemCodes.Unauthenticated or ProblemCodes.CredentialsExpired or ProblemCodes.CredentialsInvalid
            or ProblemCodes.CredentialsRevoked => StatusCodes.Status401Unauthorized,
        ProblemCodes.Forbidden => StatusCodes.Status403Forbidden,
        ProblemCodes.NotFound => StatusCodes.Status404NotFound,
        ProblemCodes.Invalid => StatusCodes.Status400BadRequest,
        ProblemCodes.Integrity => StatusCodes.Status422UnprocessableEntity,
        ProblemCodes.RateLimited => StatusCodes.Status429TooManyRequests,
        ProblemCodes.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status409Conflict,
    };

    /// <summary>The refusal as problem details.</summary>
    public IResult ToResult() => new RefusalResult(this);

    private sealed class RefusalResult(Refusal refusal) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => Problems.WriteAsync(httpContext, refusal);
    }
}

/// <summary>Carries a refusal out of a place that has no result to put it in, such as a body that is read while it comes.</summary>
public sealed class RefusedException(Refusal refusal) : Exception(refusal.Detail)
{
    /// <summary>What is answered.</summary>
    public Refusal Refusal { get; } = refusal;
}
