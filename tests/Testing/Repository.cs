namespace BackupPlatform.Testing;

/// <summary>Where things lie in the checkout that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder with the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>An absolute path in the checkout.</summary>
    public static string Combine(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "BackupPlatform.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"No BackupPlatform.sln above {AppContext.BaseDirectory}.");
    }
}
