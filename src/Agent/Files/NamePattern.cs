using System.Buffers;
using System.Text;

namespace BackupPlatform.Agent.Files;

/// <summary>
/// A glob for one name: <c>*</c> any signs, <c>?</c> one, <c>[a-z]</c> and <c>[!a-z]</c> one of a set, <c>\</c> takes the next
/// as it is. A sign is a UTF-8 character; a byte that belongs to none is a sign of its own, so any name can be matched.
/// Case counts.
/// </summary>
internal sealed class NamePattern
{
    // Above all characters: a byte that is no UTF-8.
    private const int StrayByte = 0x110000;

    private readonly List<Token> _tokens = [];

    private enum TokenKind
    {
        Sign,
        One,
        Many,
        Set,
    }

    /// <exception cref="FormatException">A set is not closed, or nothing follows a backslash.</exception>
    public static NamePattern Parse(ReadOnlySpan<byte> pattern)
    {
        var (parsed, signs) = (new NamePattern(), Signs(pattern));
        for (var i = 0; i < signs.Length; i++)
        {
            parsed._tokens.Add(signs[i] switch
            {
                '*' => new Token(TokenKind.Many, 0),
                '?' => new Token(TokenKind.One, 0),
                '[' => ParseSet(signs, ref i),
                '\\' when i + 1 == signs.Length => throw new FormatException("nothing follows the last backslash"),
                '\\' => new Token(TokenKind.Sign, signs[++i]),
                var sign => new Token(TokenKind.Sign, sign),
            });
        }

        return parsed;
    }

    public bool Matches(ReadOnlySpan<byte> name)
    {
        // Only the last star met is ever tried again: time grows with the product of the two lengths at worst.
        var signs = Signs(name);
        var (at, token, star, starAt) = (0, 0, -1, 0);
        while (at < signs.Length)
        {
            if (token < _tokens.Count && _tokens[token].Kind == TokenKind.Many)
            {
                (star, starAt) = (token++, at);
            }
            else if (token < _tokens.Count && _tokens[token].Matches(signs[at]))
            {
                (token, at) = (token + 1, at + 1);
            }
            else if (star >= 0)
            {
                (token, at) = (star + 1, ++starAt);
            }
            else
            {
                return false;
            }
        }

        return _tokens.Skip(token).All(rest => rest.Kind == TokenKind.Many);
    }

    private static Token ParseSet(int[] signs, ref int i)
    {
        var ranges = new List<(int From, int To)>();
        var negated = i + 1 < signs.Length && signs[i + 1] is '!' or '^';
        i += negated ? 2 : 1;

        // A bracket that comes first is one of the set.
        for (var first = true; ; first = false, i++)
        {
            if (i >= signs.Length)
            {
                throw new FormatException("a '[' is not closed");
            }

            if (signs[i] == ']' && !first)
            {
                return new Token(TokenKind.Set, 0) { Ranges = ranges, Negated = negated };
            }

            var from = Member(signs, ref i);
            var to = from;
            if (i + 2 < signs.Length && signs[i + 1] == '-' && signs[i + 2] != ']')
            {
                i += 2;
                to = Member(signs, ref i);
            }

            ranges.Add((from, to));
        }
    }

    private static int Member(int[] signs, ref int i) =>
        signs[i] != '\\' ? signs[i] : ++i < signs.Length ? signs[i] : throw new FormatException("a '[' is not closed");

    private static int[] Signs(ReadOnlySpan<byte> bytes)
    {
        var signs = new List<int>(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var good = Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == OperationStatus.Done;
            consumed = good ? consumed : 1;
            signs.Add(good ? rune.Value : StrayByte + bytes[0]);
            bytes = bytes[consumed..];
        }

        return [.. signs];
    }

    private sealed record Token(TokenKind Kind, int Sign)
    {
        public List<(int From, int To)> Ranges { get; init; } = [];

        public bool Negated { get; init; }

        public bool Matches(int sign) => Kind switch
        {
            TokenKind.Sign => sign == Sign,
            TokenKind.Set => Ranges.Exists(range => range.From <= sign && sign <= range.To) != Negated,
            _ => true,
        };
    }
}
