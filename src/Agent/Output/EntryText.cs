using System.Globalization;

namespace BackupPlatform.Agent.Output;

/// <summary>Attributes of entries as text.</summary>
internal static class EntryText
{
    /// <summary>ISO-8601 in UTC, with as many digits of the second as there are, up to nine.</summary>
    public static string Text(long nanoseconds)
    {
        var seconds = Math.DivRem(nanoseconds, 1_000_000_000, out var rest);
        if (rest < 0)
        {
            (seconds, rest) = (seconds - 1, rest + 1_000_000_000);
        }

        var text = DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        var fraction = rest == 0 ? "" : "." + rest.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return text + fraction + "Z";
    }

    /// <summary>As <c>ls</c> writes them.</summary>
    public static string Permissions(uint mode)
    {
        Span<char> text = stackalloc char[9];
        for (var i = 0; i < 9; i++)
        {
            text[i] = (mode >> (8 - i) & 1) == 1 ? "rwx"[i % 3] : '-';
        }

        Special(text, 2, mode & 0x800, 's');
        Special(text, 5, mode & 0x400, 's');
        Special(text, 8, mode & 0x200, 't');
        return new string(text);
    }

    private static void Special(Span<char> text, int at, uint set, char letter)
    {
        if (set != 0)
        {
            text[at] = text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }
}
