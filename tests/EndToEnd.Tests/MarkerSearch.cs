using System.Text;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Looks for secrets in bytes: as they are, and as base64 or hexadecimal.</summary>
internal sealed class MarkerSearch
{
    private const int BlockSize = 4 << 20;

    private readonly List<(string Marker, byte[] Bytes)> forms = [];

    public MarkerSearch(params IEnumerable<string> markers)
    {
        foreach (var marker in markers)
        {
            var bytes = Encoding.UTF8.GetBytes(marker);
            var hex = Convert.ToHexString(bytes);
            forms.AddRange([(marker, bytes), (marker, Encoding.Unicode.GetBytes(marker)), (marker, Ascii(hex)), (marker, Ascii(hex.ToLowerInvariant()))]);
            for (var shift = 0; shift < 3; shift++)
            {
                // Wherever it stands in what was encoded, these characters do not depend on what is around it.
                var text = Convert.ToBase64String([.. new byte[shift], .. bytes]);
                forms.Add((marker, Ascii(text[(shift == 0 ? 0 : 4)..^4])));
            }
        }
    }

    /// <summary>The markers that a stream holds, in whatever form.</summary>
    public async Task<IReadOnlyCollection<string>> FindAsync(Stream stream, CancellationToken cancellationToken)
    {
        var found = new HashSet<string>();
        var overlap = forms.Max(form => form.Bytes.Length) - 1;
        var buffer = new byte[overlap + BlockSize];
        var kept = 0;
        while (await stream.ReadAtLeastAsync(buffer.AsMemory(kept), BlockSize, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
        {
            var window = buffer.AsSpan(0, kept + read);
            foreach (var (marker, bytes) in forms)
            {
                if (window.IndexOf(bytes) >= 0) found.Add(marker);
            }

            kept = Math.Min(overlap, window.Length);
            window[^kept..].CopyTo(buffer);
        }

        return found;
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
