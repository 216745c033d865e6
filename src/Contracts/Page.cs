using System.Text.Json.Serialization;

namespace BackupPlatform.Contracts;

/// <summary>One page of a list.</summary>
/// <param name="Items">The entries, in the list's own order.</param>
/// <param name="Next">What to pass as <c>after</c> for the next page; null at the end. Opaque.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>An error answer (RFC 9457).</summary>
/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
/// <param name="Title">The code in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened, and what to do next.</param>
/// <param name="Errors">For <see cref="ProblemCodes.Invalid"/>: messages by field.</param>
public sealed record ProblemDocument(
    string? Code, string? Title, int? Status, string? Detail,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors = null);
