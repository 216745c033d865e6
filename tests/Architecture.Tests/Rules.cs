using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace BackupPlatform.Architecture.Tests;

/// <summary>What holds the house together. Each rule says, in words, what breaks it.</summary>
public static partial class Rules
{
    private const int MostLines = 400;

    private static readonly string[] Service = ["Contracts", "Formats", "Platform", "Storage", "ServiceDefaults"];

    // What each project may refer to. A new one has to say it here.
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Contracts"] = [],
        ["Formats"] = [],
        ["Storage"] = [],
        ["Engine"] = ["Formats"],
        ["Agent"] = ["Engine", "Formats", "Contracts"],
        ["ServiceDefaults"] = ["Contracts"],
        ["Platform"] = ["Contracts", "ServiceDefaults"],
        ["Vault"] = Service,
        ["Registration"] = Service,
        ["Ingest"] = Service,
        ["Retention"] = Service,
        ["Restore"] = Service,
        ["Portal"] = ["Contracts", "Platform", "ServiceDefaults"],
        ["LocalHosting"] = [],
        ["AppHost"] = ["Vault", "Registration", "Ingest", "Retention", "Restore", "Portal", "Agent", "LocalHosting"],
    };

    // The engine is pure mechanics: compression and cryptography, nothing that reaches out.
    private static readonly Dictionary<string, string[]> AllowedPackages = new(StringComparer.Ordinal)
    {
        ["Contracts"] = [],
        ["Formats"] = ["System.IO.Hashing"],
        ["Engine"] = ["NSec.Cryptography", "System.IO.Hashing", "ZstdNet"],
    };

    private static readonly string[] MustBeBanned =
    [
        "P:System.DateTime.Now;", "P:System.DateTime.UtcNow;", "P:System.DateTimeOffset.Now;", "P:System.DateTimeOffset.UtcNow;",
        "M:System.Guid.NewGuid;", "M:System.Guid.CreateVersion7;",
    ];

    /// <summary>All rules by name.</summary>
    public static IReadOnlyDictionary<string, Func<House, IEnumerable<string>>> All { get; } =
        new Dictionary<string, Func<House, IEnumerable<string>>>(StringComparer.Ordinal)
        {
            [nameof(References)] = References,
            [nameof(Packages)] = Packages,
            [nameof(ConcreteStores)] = ConcreteStores,
            [nameof(FileLength)] = FileLength,
            [nameof(UnfinishedWork)] = UnfinishedWork,
            [nameof(WallClock)] = WallClock,
            [nameof(MassTransitLicence)] = MassTransitLicence,
            [nameof(InSolution)] = InSolution,
            [nameof(WarningsAreErrors)] = WarningsAreErrors,
            [nameof(CentralVersions)] = CentralVersions,
        };

    /// <summary>A project refers to what its place allows: services never to one another or to the engine, contracts to nothing.</summary>
    public static IEnumerable<string> References(House house)
    {
        foreach (Project project in house.Projects.Where(project => !project.IsTest))
        {
            if (!Allowed.TryGetValue(project.Name, out string[]? allowed))
            {
                yield return $"{project.Path}: no rule says what {project.Name} may refer to.";
                continue;
            }
            foreach (string reference in project.References.Except(allowed, StringComparer.Ordinal))
            {
                yield return $"{project.Path}: {project.Name} must not refer to {reference}.";
            }
        }
    }

    /// <summary>Engine, formats and contracts use the packages that their purpose needs, and no other.</summary>
    public static IEnumerable<string> Packages(House house) =>
        from project in house.Projects
        where AllowedPackages.ContainsKey(project.Name)
        from package in project.Packages.Except(AllowedPackages[project.Name], StringComparer.Ordinal)
        select $"{project.Path}: {project.Name} must not use {package}.";

    /// <summary>Only Program.cs decides where blobs lie: everything else takes an IBlobStore.</summary>
    public static IEnumerable<string> ConcreteStores(House house) =>
        from file in house.ProductCode
        where !file.Key.StartsWith("src/Storage/", StringComparison.Ordinal) && Path.GetFileName(file.Key) != "Program.cs"
        where ConcreteStore().IsMatch(file.Value)
        select $"{file.Key}: names {ConcreteStore().Match(file.Value).Value}; take an IBlobStore.";

    /// <summary>A reader should see a file whole.</summary>
    public static IEnumerable<string> FileLength(House house) =>
        from file in house.ProductFiles
        let lines = file.Value.AsSpan().TrimEnd('\n').Count('\n') + 1
        where lines > MostLines
        select string.Create(CultureInfo.InvariantCulture, $"{file.Key}: {lines} lines; more than {MostLines} are two things.");

    /// <summary>What is not built is absent, not half there.</summary>
    public static IEnumerable<string> UnfinishedWork(House house) =>
        from file in house.ProductFiles
        from Match match in Unfinished().Matches(file.Value)
        select $"{file.Key}: {match.Value}.";

    /// <summary>Every time comes from a TimeProvider: the analyzer that says so is on everywhere, and nobody hushes it.</summary>
    public static IEnumerable<string> WallClock(House house)
    {
        string banned = house.Files.GetValueOrDefault("BannedSymbols.txt", "");
        foreach (string symbol in MustBeBanned.Where(symbol => !banned.Contains(symbol, StringComparison.Ordinal)))
        {
            yield return $"BannedSymbols.txt: does not ban {symbol.TrimEnd(';')}.";
        }
        string common = house.Files.GetValueOrDefault("Directory.Build.props", "");
        if (!common.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", StringComparison.Ordinal)
            || !common.Contains("BannedSymbols.txt", StringComparison.Ordinal))
        {
            yield return "Directory.Build.props: the analyzer of banned symbols is not on.";
        }
        if (!ErrorSeverity().IsMatch(house.Files.GetValueOrDefault(".editorconfig", "")))
        {
            yield return ".editorconfig: a banned symbol (RS0030) is not an error.";
        }
        foreach ((string path, string text) in house.ProductFiles)
        {
            if (text.Contains("RS0030", StringComparison.Ordinal)) yield return $"{path}: hushes RS0030.";
            bool isProject = path.EndsWith(".csproj", StringComparison.Ordinal);
            if (isProject && (text.Contains("IsTestProject", StringComparison.Ordinal) || BannedAnalyzerRemoved().IsMatch(text)))
            {
                yield return $"{path}: takes itself out of the check of banned symbols.";
            }
        }
    }

    /// <summary>MassTransit 9 needs a paid licence.</summary>
    public static IEnumerable<string> MassTransitLicence(House house) =>
        from package in XDocument.Parse(house.Files["Directory.Packages.props"]).Descendants("PackageVersion")
        let name = (string?)package.Attribute("Include") ?? ""
        let version = (string?)package.Attribute("Version") ?? ""
        where name.StartsWith("MassTransit", StringComparison.Ordinal)
            && !(int.TryParse(version.Split('.')[0], CultureInfo.InvariantCulture, out int major) && major < 9)
        select $"Directory.Packages.props: {name} {version} is not below 9.";

    /// <summary>What is not in the solution is built by nobody.</summary>
    public static IEnumerable<string> InSolution(House house)
    {
        string solution = house.Files.GetValueOrDefault("BackupPlatform.sln", "").Replace('\\', '/');
        return from project in house.Projects
               where !solution.Contains($"\"{project.Path}\"", StringComparison.Ordinal)
               select $"{project.Path}: is not in BackupPlatform.sln.";
    }

    /// <summary>Warnings are errors, all of them, everywhere.</summary>
    public static IEnumerable<string> WarningsAreErrors(House house)
    {
        if (!house.Files.GetValueOrDefault("Directory.Build.props", "").Contains(
            "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", StringComparison.Ordinal))
        {
            yield return "Directory.Build.props: warnings are not errors.";
        }
        foreach ((string path, string text) in house.Files.Where(file => Path.GetExtension(file.Key) is ".csproj" or ".props" or ".targets"))
        {
            foreach (Match match in Lenient().Matches(text)) yield return $"{path}: {match.Value}.";
        }
    }

    /// <summary>Versions of packages stand in one file.</summary>
    public static IEnumerable<string> CentralVersions(House house) =>
        from project in house.Projects
        from package in project.Xml.Descendants("PackageReference")
        where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null
        select $"{project.Path}: {(string?)package.Attribute("Include")} has a version of its own.";

    [GeneratedRegex(@"\b(FileBlobStore|AzureBlobStore|BlobStores)\b")]
    private static partial Regex ConcreteStore();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX|NotImplemented\w*)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"^dotnet_diagnostic\.RS0030\.severity\s*=\s*error\s*$", RegexOptions.Multiline)]
    private static partial Regex ErrorSeverity();

    [GeneratedRegex(@"Remove=""[^""]*Banned[^""]*""")]
    private static partial Regex BannedAnalyzerRemoved();

    [GeneratedRegex(@"<WarningsNotAsErrors|<TreatWarningsAsErrors>\s*false|<RunAnalyzers>\s*false|<EnableNETAnalyzers>\s*false")]
    private static partial Regex Lenient();
}
