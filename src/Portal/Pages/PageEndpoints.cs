using System.Net;
using BackupPlatform.Contracts;
using BackupPlatform.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.Portal.Pages;

/// <summary>The operators' page: plain HTML without scripts.</summary>
internal static class PageEndpoints
{
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    private static readonly string Style = ReadStyle();

    public static void AddPages(this IServiceCollection services)
    {
        services.AddRazorComponents();
        // Nothing is tried again: a page should say at once what does not answer, and it can be loaded again.
#pragma warning disable EXTEXP0001 // There is no other way yet to leave out what ServiceDefaults gives every client.
        services.AddHttpClient(PlatformReader.Client).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        services.AddSingleton<PlatformReader>();
        services.AddSingleton<OverviewReader>();
    }

    public static void MapPages(this WebApplication app)
    {
        app.MapGet("/", ShowAsync).ExcludeFromDescription();
        app.MapGet("/portal.css", () => Results.Text(Style, "text/css")).ExcludeFromDescription();
        // Guarded by the origin of the form instead of a token in it: nothing is to be kept for that.
        app.MapPost("/sign-in", SignInAsync).DisableAntiforgery().ExcludeFromDescription();
        app.MapPost("/sign-out", SignOut).DisableAntiforgery().ExcludeFromDescription();
    }

    private static async Task<IResult> ShowAsync(HttpContext http, OverviewReader reader, string? after, string? vault)
    {
        if (http.OperatorToken() is not { } token)
        {
            return SignInPage(http, problem: null, StatusCodes.Status200OK);
        }

        var overview = await reader.ReadAsync(token, after, Guid.TryParse(vault, out var id) ? id : null, http.RequestAborted);
        if (overview.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            http.SignOut();
            return SignInPage(http, overview.Problem, StatusCodes.Status401Unauthorized);
        }

        return Page<OverviewPage>(http, StatusCodes.Status200OK, new()
        {
            [nameof(OverviewPage.Overview)] = overview.Value,
            [nameof(OverviewPage.Problem)] = overview.Problem,
        });
    }

    /// <remarks>The vault service says whether the token is an operator's: whoever may list subscriptions is one.</remarks>
    private static async Task<IResult> SignInAsync(HttpContext http, PlatformReader platform, [FromForm] string? token)
    {
        var shown = token?.Trim();
        if (!http.IsFromOwnPage())
        {
            return Refusal.Forbidden("Sign in on the portal's own page.").ToResult();
        }

        if (!OperatorSession.IsTokenLike(shown))
        {
            return SignInPage(http, "Paste the whole token, without spaces.", StatusCodes.Status401Unauthorized);
        }

        var answer = await platform.ReadAsync(
            Proxy.ApiRoutes.Vault, "/api/subscriptions?limit=1", ContractsJson.Default.PageSubscriptionDocument, shown, http.RequestAborted);
        if (answer.Value is null)
        {
            var status = answer.Status is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status401Unauthorized;
            return SignInPage(http, answer.Problem, status);
        }

        http.SignIn(shown);
        return Results.Redirect("/");
    }

    private static IResult SignOut(HttpContext http)
    {
        if (!http.IsFromOwnPage())
        {
            return Refusal.Forbidden("Sign out on the portal's own page.").ToResult();
        }

        http.SignOut();
        return Results.Redirect("/");
    }

    private static RazorComponentResult<SignInPage> SignInPage(HttpContext http, string? problem, int status) =>
        Page<SignInPage>(http, status, new() { [nameof(Pages.SignInPage.Problem)] = problem });

    private static RazorComponentResult<TPage> Page<TPage>(HttpContext http, int status, Dictionary<string, object?> parameters)
        where TPage : Microsoft.AspNetCore.Components.IComponent
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        return new RazorComponentResult<TPage>(parameters) { StatusCode = status };
    }

    private static string ReadStyle()
    {
        using var style = typeof(PageEndpoints).Assembly.GetManifestResourceStream("portal.css")!;
        using var reader = new StreamReader(style);
        return reader.ReadToEnd();
    }
}
