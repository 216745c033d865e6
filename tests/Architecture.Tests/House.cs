using System.Xml.Linq;
using BackupPlatform.Testing;

namespace BackupPlatform.Architecture.Tests;

/// <summary>A project file of the house.</summary>
/// <param name="Path">From the root, with slashes.</param>
/// <param name="Xml">Its content.</param>
public sealed record Project(string Path, XDocument Xml)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    /// <summary>Names of the projects it refers to.</summary>
    public IEnumerable<string> References => Includes("ProjectReference").Select(path => System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/')));

    /// <summary>Names of the packages it refers to.</summary>
    public IEnumerable<string> Packages => Includes("PackageReference");

    private IEnumerable<string> Includes(string item) => Xml.Descendants(item).Select(e => (string?)e.Attribute("Include")).OfType<string>();
}

/// <summary>The source files of the repository, as the rules see them: paths from the root with slashes, and their text.</summary>
public sealed class House(IReadOnlyDictionary<string, string> files)
{
    private static readonly string[] Folders = ["src", "tests", "AppHost", "ServiceDefaults"];
    private static readonly string[] Extensions = [".cs", ".csproj", ".props", ".targets", ".razor", ".ps1", ".sh", ".js", ".css"];

    public IReadOnlyDictionary<string, string> Files { get; } = files;

    public IReadOnlyList<Project> Projects { get; } =
    [
        .. files.Where(file => file.Key.EndsWith(".csproj", StringComparison.Ordinal))
            .OrderBy(file => file.Key, StringComparer.Ordinal)
            .Select(file => new Project(file.Key, XDocument.Parse(file.Value))),
    ];

    /// <summary>What is built into the product: no tests.</summary>
    public IEnumerable<KeyValuePair<string, string>> ProductFiles =>
        Files.Where(file => file.Key.Contains('/') && !file.Key.StartsWith("tests/", StringComparison.Ordinal));

    public IEnumerable<KeyValuePair<string, string>> ProductCode =>
        ProductFiles.Where(file => file.Key.EndsWith(".cs", StringComparison.Ordinal) || file.Key.EndsWith(".razor", StringComparison.Ordinal));

    /// <summary>Reads the checkout; what is built or installed into it is not read.</summary>
    public static House Read()
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(Repository.Root)) files[Path.GetFileName(file)] = File.ReadAllText(file);
        foreach (string folder in Folders) Read(Repository.Combine(folder), files);
        return new House(files);
    }

    private static void Read(string folder, Dictionary<string, string> files)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => Extensions.Contains(Path.GetExtension(file))))
        {
            files[Path.GetRelativePath(Repository.Root, file)] = File.ReadAllText(file);
        }
        foreach (string child in Directory.EnumerateDirectories(folder))
        {
            if (Path.GetFileName(child) is not ("bin" or "obj" or "node_modules")) Read(child, files);
        }
    }
}
