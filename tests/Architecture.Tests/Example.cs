namespace BackupPlatform.Architecture.Tests;

/// <summary>A small house that keeps every rule, to break one at a time.</summary>
internal static class Example
{
    internal const string BannedSymbols = """
        P:System.DateTime.Now;x
        P:System.DateTime.UtcNow;x
        P:System.DateTimeOffset.Now;x
        P:System.DateTimeOffset.UtcNow;x
        M:System.Guid.NewGuid;x
        M:System.Guid.CreateVersion7;x
        """;

    private static readonly (string Path, string Content)[] Good =
    [
        ("BackupPlatform.sln", string.Join('\n', Names.Select(name => $"Project = \"{name}\", \"{PathOf(name).Replace('/', '\\')}\""))),
        ("Directory.Build.props", """
            <Project>
              <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              <PackageReference Include="Microsoft.CodeAnalysis.BannedApiAnalyzers" />
              <AdditionalFiles Include="BannedSymbols.txt" />
            </Project>
            """),
        ("Directory.Packages.props", Versions("8.5.12")),
        ("BannedSymbols.txt", BannedSymbols),
        (".editorconfig", "[*.cs]\ndotnet_diagnostic.RS0030.severity = error\n"),
        ("src/Contracts/Contracts.csproj", Project()),
        ("src/Formats/Formats.csproj", Project()),
        ("src/Storage/Storage.csproj", Project()),
        ("src/Storage/FileBlobStore.cs", "public sealed class FileBlobStore : IBlobStore;"),
        ("src/Engine/Engine.csproj", Project("Formats")),
        ("src/Agent/Agent.csproj", Project("Engine", "Contracts")),
        ("src/Ingest/Ingest.csproj", Project("Contracts", "Formats", "Storage")),
        ("src/Ingest/Program.cs", "IBlobStore store = await BlobStores.OpenAsync(text);"),
        ("src/Ingest/Exactly.cs", string.Concat(Enumerable.Repeat("//\n", 400))),
        ("src/Vault/Vault.csproj", Project("Contracts")),
        ("src/Restore/Restore.csproj", Project("Contracts")),
        ("src/Portal/Portal.csproj", Project("Contracts")),
        ("src/New/NewName.cs", "// Names like TodoList are no unfinished work."),
        ("tests/Testing/Testing.csproj", Project("Storage")),
        ("tests/Testing/Builder.cs", "var store = new FileBlobStore(folder); // in tests anything may be named"),
    ];

    private static IEnumerable<string> Names =>
        ["Contracts", "Formats", "Storage", "Engine", "Agent", "Ingest", "Vault", "Restore", "Portal", "New", "Testing"];

    internal static House With(params (string Path, string Content)[] changes)
    {
        Dictionary<string, string> files = Good.ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        foreach ((string path, string content) in changes) files[path] = content;
        return new House(files);
    }

    internal static string Project(params string[] references) =>
        $"<Project><ItemGroup>{string.Concat(references.Select(r => $"<ProjectReference Include=\"..\\{r}\\{r}.csproj\" />"))}</ItemGroup></Project>";

    internal static string Package(string name) => $"<Project><ItemGroup><PackageReference Include=\"{name}\" /></ItemGroup></Project>";

    internal static string Versions(string massTransit) =>
        $"<Project><ItemGroup><PackageVersion Include=\"MassTransit\" Version=\"{massTransit}\" /></ItemGroup></Project>";

    private static string PathOf(string name) => name == "Testing" ? $"tests/{name}/{name}.csproj" : $"src/{name}/{name}.csproj";
}
