using System.Buffers;
using System.Text;

namespace BackupPlatform.Agent.Files;

/// <summary>
/// Paths are bytes; texts of them are for people and for the command line. A byte that is no UTF-8 travels inside a
/// string as a lone surrogate U+DC80 to U+DCFF, so that every path survives the way through a string.
/// </summary>
internal static class PathText
{
    private const char EscapeBase = '\udc00';

    /// <summary>The string that stands for any bytes; <see cref="Encode"/> is its inverse.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Span<char> characters = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == OperationStatus.Done)
            {
                text.Append(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                // Each byte of a broken sequence for itself: nothing is lost.
                for (var i = 0; i < consumed; i++)
                {
                    text.Append((char)(EscapeBase + bytes[i]));
                }
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }

    /// <summary>The bytes that a string stands for.</summary>
    public static byte[] Encode(string text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length;)
        {
            if (text[i] is >= '\udc80' and <= '\udcff')
            {
                bytes.Write([(byte)(text[i] - EscapeBase)]);
                i++;
                continue;
            }

            Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var consumed);
            bytes.Write(utf8[..rune.EncodeToUtf8(utf8)]);
            i += consumed;
        }

        return bytes.WrittenSpan.ToArray();
    }

    public static bool IsUtf8(ReadOnlySpan<byte> bytes) => System.Text.Unicode.Utf8.IsValid(bytes);

    /// <summary>For a terminal: what is no UTF-8 and every control character is written as \xHH, so that no name can play tricks.</summary>
    public static string ForPeople(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var good = Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == OperationStatus.Done;
            if (good && !Rune.IsControl(rune))
            {
                text.Append(rune);
            }
            else
            {
                for (var i = 0; i < consumed; i++)
                {
                    text.Append("\\x").Append(bytes[i].ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
                }
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }
}
