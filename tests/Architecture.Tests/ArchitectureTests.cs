namespace BackupPlatform.Architecture.Tests;

public sealed class ArchitectureTests
{
    private static readonly House TheHouse = House.Read();

    public static TheoryData<string> RuleNames() => [.. Rules.All.Keys];

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void GivenThisRepository_WhenHeldAgainstARule_ThenNothingBreaksIt(string rule)
    {
        Assert.Empty(Rules.All[rule](TheHouse));
    }

    [Fact]
    public void GivenThisRepository_WhenRead_ThenItsProjectsAndCodeAreSeen()
    {
        Assert.Contains(TheHouse.Projects, project => project.Path == "src/Ingest/Ingest.csproj" && project.References.Contains("Formats"));
        Assert.Contains(TheHouse.Projects, project => project.IsTest && project.Name == "Architecture.Tests");
        Assert.Contains(TheHouse.ProductCode, file => file.Key == "src/Storage/IBlobStore.cs");
    }

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void GivenAHouseThatKeepsTheRules_WhenHeldAgainstOne_ThenNothingBreaksIt(string rule)
    {
        Assert.Empty(Rules.All[rule](Example.With()));
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public void GivenAHouseThatBreaksARule_WhenHeldAgainstIt_ThenTheRuleSaysSo(string rule, string path, string content, string says)
    {
        string violation = Assert.Single(Rules.All[rule](Example.With((path, content))));

        Assert.Contains(says, violation, StringComparison.Ordinal);
    }

    [Fact]
    public void GivenEveryRule_WhenLookedFor_ThenAnExampleBreaksIt()
    {
        Assert.Equal(Rules.All.Keys.Order(), Violations().Select(row => row.Data.Item1).Distinct().Order());
    }

    public static TheoryData<string, string, string, string> Violations() => new()
    {
        { "References", "src/Vault/Vault.csproj", Example.Project("Ingest"), "Vault must not refer to Ingest" },
        { "References", "src/Restore/Restore.csproj", Example.Project("Engine"), "Restore must not refer to Engine" },
        { "References", "src/Contracts/Contracts.csproj", Example.Project("Formats"), "Contracts must not refer to Formats" },
        { "References", "src/Formats/Formats.csproj", Example.Project("Contracts"), "Formats must not refer to Contracts" },
        { "References", "src/Engine/Engine.csproj", Example.Project("Contracts"), "Engine must not refer to Contracts" },
        { "References", "src/Agent/Agent.csproj", Example.Project("Storage"), "Agent must not refer to Storage" },
        { "References", "src/Portal/Portal.csproj", Example.Project("Vault"), "Portal must not refer to Vault" },
        { "References", "src/Storage/Storage.csproj", Example.Project("Testing"), "Storage must not refer to Testing" },
        { "References", "src/New/New.csproj", Example.Project(), "no rule says" },
        { "Packages", "src/Engine/Engine.csproj", Example.Package("Npgsql"), "Engine must not use Npgsql" },
        { "Packages", "src/Contracts/Contracts.csproj", Example.Package("MassTransit"), "Contracts must not use MassTransit" },
        { "ConcreteStores", "src/Ingest/Packs.cs", "var store = new FileBlobStore(folder);", "names FileBlobStore" },
        { "ConcreteStores", "src/Ingest/Packs.cs", "await BlobStores.OpenAsync(text);", "names BlobStores" },
        { "ConcreteStores", "AppHost/AppHost.cs", "AzureBlobStore store;", "names AzureBlobStore" },
        { "FileLength", "src/Vault/Long.cs", string.Concat(Enumerable.Repeat("//\n", 401)), "401 lines" },
        { "UnfinishedWork", "src/Vault/Half.cs", "// TO" + "DO later", "src/Vault/Half.cs" },
        { "UnfinishedWork", "src/Vault/Half.cs", "throw new NotImpl" + "ementedException();", "src/Vault/Half.cs" },
        { "UnfinishedWork", "ServiceDefaults/Half.cs", "// FIX" + "ME", "ServiceDefaults/Half.cs" },
        { "WallClock", "src/Vault/Hushed.cs", "#pragma warning disable RS0030", "hushes" },
        { "WallClock", "src/Vault/Vault.csproj", "<Project><PropertyGroup><IsTestProject>true</IsTestProject></PropertyGroup></Project>", "out of the check" },
        {
            "WallClock", "src/Vault/Vault.csproj",
            "<Project><ItemGroup><PackageReference Remove=\"Microsoft.CodeAnalysis.BannedApiAnalyzers\" /></ItemGroup></Project>", "out of the check"
        },
        { "WallClock", ".editorconfig", "dotnet_diagnostic.RS0030.severity = warning\n", "not an error" },
        { "WallClock", "Directory.Build.props", "<Project />", "not on" },
        { "WallClock", "BannedSymbols.txt", Example.BannedSymbols.Replace("P:System.DateTime.UtcNow;", ""), "DateTime.UtcNow" },
        { "MassTransitLicence", "Directory.Packages.props", Example.Versions("9.0.1"), "MassTransit 9.0.1" },
        { "MassTransitLicence", "Directory.Packages.props", Example.Versions("[8.5,10)"), "not below 9" },
        { "InSolution", "tests/Lost/Lost.csproj", Example.Project(), "tests/Lost/Lost.csproj" },
        {
            "WarningsAreErrors", "src/Vault/Vault.csproj",
            "<Project><PropertyGroup><WarningsNotAsErrors>CS0618</WarningsNotAsErrors></PropertyGroup></Project>", "WarningsNotAsErrors"
        },
        {
            "WarningsAreErrors", "tests/Testing/Testing.csproj",
            "<Project><PropertyGroup><TreatWarningsAsErrors>false</TreatWarningsAsErrors></PropertyGroup></Project>", "false"
        },
        { "WarningsAreErrors", "Directory.Build.props", "<Project />", "not errors" },
        {
            "CentralVersions", "src/Vault/Vault.csproj",
            "<Project><ItemGroup><PackageReference Include=\"Marten\" Version=\"9.0.0\" /></ItemGroup></Project>", "Marten has a version"
        },
    };
}
