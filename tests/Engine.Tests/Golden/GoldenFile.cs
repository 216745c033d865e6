using System.Text;

namespace BackupPlatform.Engine.Tests.Golden;

/// <summary>
/// Bytes that format version 1 has for all time. A difference is a break of the format, not a reason to write the file
/// anew; a new vector is written by running the tests with BACKUP_GOLDEN_DIR set to this folder.
/// </summary>
internal static class GoldenFile
{
    private const int BytesPerLine = 32;

    public static byte[] Read(string name) =>
        Convert.FromHexString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", name + ".hex")).ReplaceLineEndings(""));

    public static void Check(string name, ReadOnlySpan<byte> actual)
    {
        if (Environment.GetEnvironmentVariable("BACKUP_GOLDEN_DIR") is { } folder)
        {
            var path = Path.Combine(folder, name + ".hex");
            if (!File.Exists(path)) File.WriteAllText(path, ToText(actual));
            return;
        }
        Assert.Equal(ToText(Read(name)), ToText(actual));
    }

    private static string ToText(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(BytesPerLine, bytes.Length)..])
        {
            text.Append(Convert.ToHexStringLower(bytes[..Math.Min(BytesPerLine, bytes.Length)])).Append('\n');
        }
        return text.ToString();
    }
}
