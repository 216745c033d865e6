using System.Buffers;

namespace BackupPlatform.Storage;

/// <summary>
/// What a blob may be called: segments of <c>a-z 0-9 . _ -</c>, separated by single slashes; at most 512 characters in all and 200 a
/// segment (file systems allow 255). No segment ends with a dot, which rules out <c>.</c> and <c>..</c> and what Azure does not keep.
/// </summary>
public static class BlobName
{
    /// <summary>Characters of a whole name.</summary>
    public const int MaximumLength = 512;

    /// <summary>Characters of one segment.</summary>
    public const int MaximumSegmentLength = 200;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether <paramref name="name"/> may name a blob.</summary>
    public static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaximumLength) return false;
        foreach (Range range in name.Split('/'))
        {
            if (!IsSegment(name[range])) return false;
        }
        return true;
    }

    /// <summary>Returns <paramref name="name"/> when it may name a blob.</summary>
    /// <exception cref="ArgumentException">It may not.</exception>
    public static string Check(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return IsValid(name) ? name : throw new ArgumentException("This is not a blob name (a-z 0-9 . _ - in segments).", nameof(name));
    }

    /// <summary>Returns <paramref name="prefix"/> when a blob name may begin with it.</summary>
    /// <exception cref="ArgumentException">No name begins like this.</exception>
    public static string CheckPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        int slash = prefix.LastIndexOf('/');
        ReadOnlySpan<char> rest = prefix.AsSpan(slash + 1);
        bool valid = prefix.Length <= MaximumLength && (slash < 0 || IsValid(prefix.AsSpan(0, slash)))
            && rest.Length <= MaximumSegmentLength && !rest.ContainsAnyExcept(Allowed);
        return valid ? prefix : throw new ArgumentException("No blob name begins like this.", nameof(prefix));
    }

    internal static bool IsSegment(ReadOnlySpan<char> segment) =>
        segment.Length is > 0 and <= MaximumSegmentLength && segment[^1] != '.' && !segment.ContainsAnyExcept(Allowed);
}
