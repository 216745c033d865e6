using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>
/// A glob for <c>find</c>, on bytes: <c>*</c> and <c>?</c> stand for anything but '/', <c>**</c> for that too, <c>[a-z]</c> and
/// <c>[!a-z]</c> for one byte, a backslash takes the next character as it is. A pattern with '/' is matched against the whole
/// path, from any folder on where it does not begin with '/'; one without against the last name. Case counts. Takes time in proportion to pattern times path, whatever they are.
/// </summary>
internal sealed class FindPattern
{
    private readonly List<Step> _steps = [];
    private readonly bool _wholePath;

    public FindPattern(string pattern)
    {
        var bytes = PathText.Encode(pattern);
        _wholePath = bytes.AsSpan().Contains(PathBytes.Separator);

        // The root's separator is not in catalog paths.
        var fromRoot = _wholePath && bytes[0] == PathBytes.Separator;
        ReadOnlySpan<byte> rest = fromRoot ? bytes.AsSpan(1) : _wholePath ? [.. "**/"u8, .. bytes] : bytes;
        while (!rest.IsEmpty)
        {
            rest = Take(rest);
        }
    }

    private enum StepKind
    {
        /// <summary>One byte.</summary>
        One,

        /// <summary>Any bytes of one name.</summary>
        Name,

        /// <summary>Any bytes.</summary>
        Path,

        /// <summary>No byte; the two steps after this one may be left out.</summary>
        Optional,
    }

    public bool IsMatch(CatalogPath path) => IsMatch(_wholePath ? path.Span : path.Name);

    /// <summary>All places in the pattern that what was read so far leads to, at once: no pattern takes long.</summary>
    private bool IsMatch(ReadOnlySpan<byte> text)
    {
        Span<bool> now = _steps.Count < 256 ? stackalloc bool[_steps.Count + 1] : new bool[_steps.Count + 1];
        now[0] = true;
        PassStars(now);
        foreach (var value in text)
        {
            for (var i = _steps.Count; i >= 0; i--)
            {
                var stays = i < _steps.Count && now[i] && _steps[i].Kind is (StepKind.Name or StepKind.Path) && _steps[i].Takes(value);
                var comes = i > 0 && now[i - 1] && _steps[i - 1].Kind == StepKind.One && _steps[i - 1].Takes(value);
                now[i] = stays || comes;
            }

            PassStars(now);
        }

        return now[_steps.Count];
    }

    private void PassStars(Span<bool> now)
    {
        for (var i = 0; i < _steps.Count; i++)
        {
            now[i + 1] |= now[i] && _steps[i].Kind != StepKind.One;
            if (_steps[i].Kind == StepKind.Optional)
            {
                now[i + 3] |= now[i];
            }
        }
    }

    private ReadOnlySpan<byte> Take(ReadOnlySpan<byte> rest)
    {
        switch (rest[0])
        {
            case (byte)'*' when rest.StartsWith("**/"u8):
                // Any folders, or none: 'a/**/b' is 'a/b', too, and so is '**/b' for 'b'.
                _steps.Add(new Step(StepKind.Optional, null));
                _steps.Add(new Step(StepKind.Path, null));
                AddExact(PathBytes.Separator);
                return rest[3..];
            case (byte)'*' when rest.StartsWith("**"u8):
                _steps.Add(new Step(StepKind.Path, null));
                return rest[2..];
            case (byte)'*':
                _steps.Add(new Step(StepKind.Name, null));
                return rest[1..];
            case (byte)'?':
                _steps.Add(new Step(StepKind.One, value => value != PathBytes.Separator));
                return rest[1..];
            case (byte)'[' when rest[2..].IndexOf((byte)']') is >= 0 and var end:
                _steps.Add(Class(rest[1..(end + 2)].ToArray()));
                return rest[(end + 3)..];
            case (byte)'\\' when rest.Length > 1:
                AddExact(rest[1]);
                return rest[2..];
            default:
                AddExact(rest[0]);
                return rest[1..];
        }
    }

    private void AddExact(byte expected) => _steps.Add(new Step(StepKind.One, value => value == expected));

    private static Step Class(byte[] inside)
    {
        var negated = inside[0] is (byte)'!' or (byte)'^';
        var set = new bool[256];
        for (var i = negated ? 1 : 0; i < inside.Length; i++)
        {
            var last = i + 2 < inside.Length && inside[i + 1] == '-' ? inside[i + 2] : inside[i];
            for (int value = inside[i]; value <= last; value++)
            {
                set[value] = true;
            }

            i += last == inside[i] ? 0 : 2;
        }

        return new Step(StepKind.One, value => set[value] != negated && value != PathBytes.Separator);
    }

    private readonly record struct Step(StepKind Kind, Func<byte, bool>? Test)
    {
        public bool Takes(byte value) => Kind switch
        {
            StepKind.One => Test!(value),
            StepKind.Name => value != PathBytes.Separator,
            _ => true,
        };
    }
}
