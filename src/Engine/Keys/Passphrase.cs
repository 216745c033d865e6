using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace BackupPlatform.Engine;

/// <summary>The passphrase of a protected machine: 16 to 36 printable characters, made at random by the agent.</summary>
public static class Passphrase
{
    /// <summary>Characters at least.</summary>
    public const int MinLength = 16;

    /// <summary>Characters at most.</summary>
    public const int MaxLength = 36;

    // Crockford's base 32: no I, L, O, U, which are misread. 28 characters of 5 bits are 140 bits.
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Groups = 7;
    private const int GroupLength = 4;

    /// <summary>A new passphrase of 140 random bits: seven groups of four characters, joined by dashes, 34 characters in all.</summary>
    public static string Generate() =>
        string.Join('-', Enumerable.Range(0, Groups).Select(_ => RandomNumberGenerator.GetString(Alphabet, GroupLength)));

    /// <summary>What is wrong with a passphrase, in a sentence for a person; null where nothing is.</summary>
    public static string? Validate(string passphrase)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        var length = 0;
        for (var rest = passphrase.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var consumed) != System.Buffers.OperationStatus.Done || !IsAllowed(rune))
            {
                return "A passphrase has printable characters only, no control characters and no combining marks.";
            }
            rest = rest[consumed..];
            length++;
        }
        if (length is < MinLength or > MaxLength) return $"A passphrase has {MinLength} to {MaxLength} characters, not {length}.";
        return passphrase[0] == ' ' || passphrase[^1] == ' ' ? "A passphrase neither begins nor ends with a space." : null;
    }

    // Combining marks are refused because the same visible letter could then be two different sequences of code points.
    // The replacement character means that the text was read in the wrong encoding.
    private static bool IsAllowed(Rune rune) => rune.Value == ' ' || rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.EnclosingMark or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.SpaceSeparator => false,
        _ => true,
    };
}
