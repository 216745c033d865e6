using System.Diagnostics;

namespace BackupPlatform.Testing;

/// <summary>A new folder under the system's folder for temporary files (or TMPDIR), gone when disposed.</summary>
public sealed class TempFolder : IDisposable
{
    public TempFolder(string name = "test") => Path = Directory.CreateTempSubdirectory($"backup-platform-{name}-").FullName;

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    public static implicit operator string(TempFolder folder) => folder.Path;

    /// <summary>The path of <paramref name="name"/> in the folder; not made.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a folder in the folder.</summary>
    public string Make(string name) => Directory.CreateDirectory(Combine(name)).FullName;

    public override string ToString() => Path;

    public void Dispose()
    {
        try
        {
            if (!Directory.Exists(Path)) return;
            OpenFolders(Path);
            // Not Directory.Delete: names need not be UTF-8.
            using Process remove = Process.Start("rm", ["-rf", "--", Path]);
            remove.WaitForExit();
            if (remove.ExitCode != 0) throw new IOException($"rm ended with {remove.ExitCode}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A test must not fail because its rubbish stays.
            Console.Error.WriteLine($"{Path} stays: {failure.Message}");
        }
    }

    // Trees under test have folders that their owner may not enter; root may anyway.
    private static void OpenFolders(string folder)
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess) return;
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (string child in Directory.EnumerateDirectories(folder))
        {
            if (new DirectoryInfo(child).LinkTarget is null) OpenFolders(child);
        }
    }
}
