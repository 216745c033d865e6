using System.Diagnostics.CodeAnalysis;

namespace BackupPlatform.Portal.Pages;

/// <summary>An operator's token, kept in a cookie that scripts cannot read and other sites' pages do not send.</summary>
internal static class OperatorSession
{
    private const string Cookie = "backup-platform-operator";
    private const int MaxLength = 3_000;

    /// <summary>Whether a text may be a token at all; whether it is one, the services say.</summary>
    public static bool IsTokenLike([NotNullWhen(true)] string? text) =>
        text is { Length: > 0 and <= MaxLength } && text.All(c => c is > ' ' and < (char)127);

    /// <returns>Null where nobody is signed in.</returns>
    public static string? OperatorToken(this HttpContext http) =>
        http.Request.Cookies[Cookie] is { } token && IsTokenLike(token) ? token : null;

    public static void SignIn(this HttpContext http, string token) => http.Response.Cookies.Append(Cookie, token, Options(http));

    public static void SignOut(this HttpContext http) => http.Response.Cookies.Delete(Cookie, Options(http));

    /// <summary>Whether a form was sent by one of this portal's own pages: another site's page must not sign anybody in or out.</summary>
    public static bool IsFromOwnPage(this HttpContext http) => http.Request.Headers.Origin is not [{ } origin]
        || (Uri.TryCreate(origin, UriKind.Absolute, out var site) && site.Authority == http.Request.Host.Value);

    private static CookieOptions Options(HttpContext http) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = http.Request.IsHttps,
        Path = "/",
    };
}
