using System.Text;

namespace BackupPlatform.Testing;

/// <summary>
/// A small tree of what breaks backups: names with spaces, newlines and signs of many scripts, links that lead nowhere, odd modes,
/// nanoseconds, empty things, and files of the lengths at which small files, chunks and packs begin and end. The same for the same seed.
/// </summary>
public static class SmallTree
{
    // 2001-09-09, so that no time of writing is met by chance.
    private const long FirstTime = 1_000_000_000;

    /// <summary>Writes the tree into <paramref name="folder"/>, which is made.</summary>
    /// <returns>The number of regular files in it.</returns>
    public static int Write(string folder, Seed seed)
    {
        Directory.CreateDirectory(folder);
        int files = 0;
        void File(string name, byte[] content, UnixFileMode mode = (UnixFileMode)0b110_100_100)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            System.IO.File.WriteAllBytes(path, content);
            System.IO.File.SetUnixFileMode(path, mode);
            files++;
        }

        int[] lengths = [0, 1, 100, 4096, (127 << 10) - 1, 127 << 10, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 3 << 20];
        foreach (int length in lengths) File($"lengths/{length}", seed.Bytes(length, length));
        File("text/log.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 9000).Select(i => $"{i:D8} the same line again\n"))));
        File("text/zeros", new byte[600 << 10]);
        File("twins/one", seed.Bytes(200 << 10, 77));
        File("twins/two", seed.Bytes(200 << 10, 77));
        for (int i = 0; i < 30; i++) File($"many/{i:D2}", seed.Bytes(500 + (i * 37), 1000 + i));
        foreach (string name in OddNames) File($"names/{name}", Encoding.UTF8.GetBytes(name));
        File("deep/" + string.Join('/', Enumerable.Range(0, 30).Select(i => $"level {i}")) + "/bottom", seed.Bytes(10));

        foreach (int mode in new[] { 0b000_000_000, 0b100_000_000, 0b111_111_111, 0b110_000_000, 0b001_000_001 })
        {
            File($"modes/{mode:D3}", seed.Bytes(300, mode), (UnixFileMode)mode);
        }
        File("modes/set-id", seed.Bytes(300), UnixFileMode.SetUser | UnixFileMode.UserRead | UnixFileMode.UserExecute);
        MakeFolders(folder);
        MakeLinks(folder);
        SetTimes(folder);
        return files;
    }

    private static IEnumerable<string> OddNames =>
    [
        "with space", " leading", "trailing ", "new\nline", "tab\there", "quote'\"", "back\\slash", "-dash", "--help", "*", "?", "$(reboot)", "~",
        ".hidden", "...", "ümlaut", "u\u0308mlaut", "日本語", "🙂🙂", "\u202Eright-to-left", "semi;colon", "percent%20", "a-b", "a.b", "a!b",
        "CON", "name.", new string('x', 255), "\u0001control",
    ];

    private static void MakeFolders(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "empty"));
        Directory.CreateDirectory(Path.Combine(folder, "empty within", "empty"));
        // These sort differently by path than by name: '-' and '.' come before '/'.
        foreach (string name in new[] { "sort/a", "sort/a-b", "sort/a.b", "sort/a b", "sort/ab" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            File.WriteAllText(Path.Combine(folder, name, "file"), name);
        }
        File.SetUnixFileMode(Path.Combine(folder, "empty"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string shared = Directory.CreateDirectory(Path.Combine(folder, "shared")).FullName;
        File.SetUnixFileMode(shared, UnixFileMode.StickyBit | (UnixFileMode)0b111_111_111);
    }

    private static void MakeLinks(string folder)
    {
        string links = Directory.CreateDirectory(Path.Combine(folder, "links")).FullName;
        File.CreateSymbolicLink(Path.Combine(links, "to file"), "../lengths/100");
        File.CreateSymbolicLink(Path.Combine(links, "to folder"), "../many");
        File.CreateSymbolicLink(Path.Combine(links, "dangling"), "no/such/target");
        File.CreateSymbolicLink(Path.Combine(links, "absolute"), "/nonexistent/ümlaut");
        File.CreateSymbolicLink(Path.Combine(links, "to itself"), "to itself");
        File.CreateSymbolicLink(Path.Combine(links, "up"), "..");
    }

    // Children before parents: writing into a folder changes its time.
    private static int SetTimes(string folder, int number = 0)
    {
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            if (entry is DirectoryInfo { LinkTarget: null }) number = SetTimes(entry.FullName, number);
            else Set(entry.FullName, number++);
        }
        Set(folder, number++);
        return number;
    }

    // Also times before 1970, which are negative numbers.
    private static void Set(string path, int number) =>
        Posix.SetModified(path, number % 10 == 9 ? -number * 1000L : FirstTime + (number * 86_399L), (number * 123_456_789L) % 1_000_000_000);
}
