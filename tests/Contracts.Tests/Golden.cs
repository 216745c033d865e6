using System.Runtime.CompilerServices;

namespace BackupPlatform.Contracts.Tests;

/// <summary>Texts that are frozen in files beside these tests.</summary>
internal static class Golden
{
    /// <summary>Set to 1, it writes files that are missing; what is there is never changed but by hand: others rely on it.</summary>
    private const string AcceptVariable = "BACKUP_PLATFORM_ACCEPT_GOLDEN";

    public static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Golden");

    public static void Matches(string name, string text)
    {
        var file = Path.Combine(Folder(), name);
        if (!File.Exists(file) && Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            Directory.CreateDirectory(Folder());
            File.WriteAllText(file, text + "\n");
        }

        Assert.True(File.Exists(file), $"{name} is new: look at it and add it with {AcceptVariable}=1.\n{text}");
        Assert.Equal(File.ReadAllText(file).TrimEnd('\n'), text);
    }
}
