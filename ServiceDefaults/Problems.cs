using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using BackupPlatform.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BackupPlatform.ServiceDefaults;

/// <summary>Every error leaves a service as <c>application/problem+json</c> with a stable code.</summary>
internal static class Problems
{
    private const string MediaType = "application/problem+json";

    public static void AddProblems(this IServiceCollection services) => services.AddExceptionHandler<ExceptionProblems>();

    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(context => WriteAsync(context.HttpContext, ForStatus(context.HttpContext.Response.StatusCode)));
    }

    public static Task WriteAsync(HttpContext context, Refusal refusal)
    {
        context.Response.StatusCode = refusal.Status;
        context.Response.ContentType = MediaType;
        if (refusal.RetryAfter is not null || refusal.Code is ProblemCodes.Unavailable or ProblemCodes.RateLimited)
        {
            var seconds = Math.Max(1, Math.Ceiling(refusal.RetryAfter?.TotalSeconds ?? 1));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (refusal.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        var problem = new ProblemDocument(
            refusal.Code, refusal.Code.Replace('-', ' '), context.Response.StatusCode, refusal.Detail, refusal.Errors);
        return JsonSerializer.SerializeAsync(
            context.Response.Body, problem, ContractsJson.Default.ProblemDocument, context.RequestAborted);
    }

    private static Refusal ForStatus(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => new(ProblemCodes.Unauthenticated, "Send a valid token as 'Authorization: Bearer TOKEN'."),
        StatusCodes.Status403Forbidden => new(ProblemCodes.Forbidden, "This token does not allow that."),
        StatusCodes.Status404NotFound => new(ProblemCodes.NotFound, "There is nothing at this address."),
        >= 500 => Refusal.Unavailable("The platform could not answer; try again in a moment."),
        _ => new Refusal(ProblemCodes.Invalid, $"The request was not understood (HTTP {status})."),
    };

    private sealed class ExceptionProblems(ILogger<ExceptionProblems> log) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            if (httpContext.RequestAborted.IsCancellationRequested)
            {
                return true;
            }

            await WriteAsync(httpContext, Translate(exception));
            return true;
        }

        private Refusal Translate(Exception exception)
        {
            switch (exception)
            {
                case RefusedException refused:
                    return refused.Refusal;
                case BadHttpRequestException bad:
                    return new Refusal(ProblemCodes.Invalid, bad.InnerException is JsonException json ? json.Message : bad.Message);
                case DbException or TimeoutException:
                    log.LogWarning(exception, "The database did not answer");
                    return Refusal.Unavailable("The platform's database did not answer; try again in a moment.");
                default:
                    log.LogError(exception, "A request failed");
                    return Refusal.Unavailable("The platform could not answer; try again in a moment.");
            }
        }
    }
}
