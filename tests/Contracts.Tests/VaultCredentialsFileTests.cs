using System.Xml.Linq;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.Contracts.Tests;

/// <summary>Vault credentials files, which anybody may have made.</summary>
public sealed class VaultCredentialsFileTests
{
    private static readonly VaultCredentialsFile File = new(
        Guid.Parse("0197f000-0000-7000-8000-000000000001"),
        Guid.Parse("0197f000-0000-7000-8000-000000000002"),
        Guid.Parse("0197f000-0000-7000-8000-000000000003"),
        "Büro <1> & \"Lager\" ]]>",
        new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero),
        new DateTimeOffset(2026, 3, 3, 12, 0, 0, TimeSpan.Zero),
        new Uri("http://127.0.0.1:5002/"),
        "header.payload.signature");

    private static readonly string[] Elements =
    [
        "CredentialsId", "SubscriptionId", "VaultId", "VaultName", "IssuedAt", "ExpiresAt", "RegistrationEndpoint", "Token",
    ];

    public static TheoryData<string> EveryElement => [.. Elements];

    [Fact]
    public void GivenAFile_WhenWrittenAndRead_ThenItIsTheSame()
    {
        Assert.Equal(File, VaultCredentialsFile.TryParse(File.ToXml(), out var reason));
        Assert.Null(reason);
    }

    [Fact]
    public void GivenAFile_WhenWritten_ThenItIsAsEver() => Golden.Matches("VaultCredentials.xml", File.ToXml().TrimEnd('\n'));

    [Fact]
    public void GivenAFileSavedByAnEditor_WhenRead_ThenDeclarationCommentsAndLineEndsDoNotMatter()
    {
        var saved = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- from the portal -->\r\n" + File.ToXml().Replace("\n", "\r\n");

        Assert.Equal(File, VaultCredentialsFile.TryParse(saved, out _));
    }

    [Theory]
    [MemberData(nameof(EveryElement))]
    public void GivenAFile_WhenAnElementIsMissing_ThenItIsNone(string element) =>
        Refused(root => root.Element(element)!.Remove());

    [Theory]
    [MemberData(nameof(EveryElement))]
    public void GivenAFile_WhenAnElementComesTwice_ThenItIsNone(string element) =>
        Refused(root => root.Element(element)!.AddAfterSelf(new XElement(root.Element(element)!)));

    [Theory]
    [MemberData(nameof(EveryElement))]
    public void GivenAFile_WhenAnElementIsElsewhere_ThenItIsNone(string element) => Refused(root =>
    {
        var moved = root.Element(element)!;
        moved.Remove();
        if (element == Elements[^1]) root.AddFirst(moved);
        else root.Add(moved);
    });

    [Theory]
    [MemberData(nameof(EveryElement))]
    public void GivenAFile_WhenAnElementHoldsOthers_ThenItIsNone(string element) =>
        Refused(root => root.Element(element)!.Add(new XElement("Inner")));

    [Fact]
    public void GivenAFile_WhenThereIsOneElementMore_ThenItIsNone() => Refused(root => root.Add(new XElement("Extra", "1")));

    [Fact]
    public void GivenAFile_WhenElementsAreOfANamespace_ThenItIsNone() => Refused(root => root.Name = XName.Get("VaultCredentials", "urn:x"));

    [Theory]
    [InlineData("2")]
    [InlineData("")]
    [InlineData(null)]
    public void GivenAFile_WhenItsFormatIsAnother_ThenItIsNone(string? version) => Refused(root => root.SetAttributeValue("version", version));

    [Theory]
    [InlineData("VaultId", "not an id")]
    [InlineData("VaultId", "{0197f000-0000-7000-8000-000000000003}")]
    [InlineData("IssuedAt", "yesterday")]
    [InlineData("ExpiresAt", "2026-03-03T12:00:00+01:00")]
    [InlineData("ExpiresAt", "9999-99-99T12:00:00Z")]
    [InlineData("RegistrationEndpoint", "relative/path")]
    public void GivenAFile_WhenAValueIsMalformed_ThenItIsNone(string element, string value) =>
        Refused(root => root.Element(element)!.Value = value);

    [Theory]
    [InlineData("<!DOCTYPE VaultCredentials [<!ENTITY x \"y\">]>")]
    [InlineData("<!DOCTYPE VaultCredentials SYSTEM \"file:///etc/passwd\">")]
    public void GivenAFile_WhenItDeclaresADocumentType_ThenItIsNone(string doctype) => Refused(doctype + File.ToXml());

    [Fact]
    public void GivenAFile_WhenItGrowsByEntities_ThenItIsNone() => Refused(
        "<!DOCTYPE v [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>"
        + File.ToXml().Replace("header.payload.signature", "&c;"));

    [Fact]
    public void GivenAFile_WhenItIsTooLong_ThenItIsNoneHoweverItIsMade()
    {
        Refused(File.ToXml() + new string(' ', VaultCredentialsFile.MaxLength));
        Refused((File with { Token = new string('t', VaultCredentialsFile.MaxLength) }).ToXml());
        Refused(new string('<', 10_000_000));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{}")]
    [InlineData("\0\0\0\0")]
    [InlineData("<VaultCredentials")]
    [InlineData("<VaultCredentials version=\"1\"/>")]
    [InlineData("<Other version=\"1\"></Other>")]
    public void GivenGarbage_WhenRead_ThenItIsNone(string text) => Refused(text);

    [Fact]
    public void GivenAFile_WhenCutAnywhere_ThenItIsNone()
    {
        var whole = File.ToXml().TrimEnd('\n');
        for (var length = 0; length < whole.Length; length++)
        {
            Refused(whole[..length]);
        }
    }

    [Fact]
    public void GivenAFile_WhenMoreFollowsIt_ThenItIsNone() => Refused(File.ToXml() + "<More/>");

    [Theory]
    [InlineData(CredentialsPurpose.Register)]
    [InlineData(CredentialsPurpose.Recover)]
    public void GivenAFileForOnePurpose_WhenWrittenAndRead_ThenItIsForThatAlone(CredentialsPurpose purpose)
    {
        var only = File with { Purpose = purpose };

        var read = VaultCredentialsFile.TryParse(only.ToXml(), out _);

        Assert.Equal(only, read);
        Assert.All(Enum.GetValues<CredentialsPurpose>(), other => Assert.Equal(other == purpose, read!.IsFor(other)));
    }

    [Fact]
    public void GivenAFileForOnePurpose_WhenWritten_ThenItIsAsEver() => Golden.Matches(
        "VaultCredentials.Recover.xml", (File with { Purpose = CredentialsPurpose.Recover }).ToXml().TrimEnd('\n'));

    [Fact]
    public void GivenAFileOfBeforePurposes_WhenRead_ThenItIsForAll() =>
        Assert.All(Enum.GetValues<CredentialsPurpose>(), purpose => Assert.True(VaultCredentialsFile.TryParse(File.ToXml(), out _)!.IsFor(purpose)));

    [Theory]
    [InlineData("")]
    [InlineData("recover")]
    [InlineData("Register Recover")]
    [InlineData("Register,Recover")]
    [InlineData("1")]
    [InlineData("<More/>")]
    public void GivenAPurposeThatIsNone_WhenRead_ThenItIsNoFile(string purpose) => Refused(
        (File with { Purpose = CredentialsPurpose.Recover }).ToXml().Replace("<Purpose>Recover<", $"<Purpose>{purpose}<"));

    [Fact]
    public void GivenAPurpose_WhenItComesTwiceOrElsewhere_ThenItIsNoFile()
    {
        Refused(root => root.Element("ExpiresAt")!.AddAfterSelf(new XElement("Purpose", "Recover"), new XElement("Purpose", "Recover")));
        Refused(root => root.Element("Token")!.AddAfterSelf(new XElement("Purpose", "Recover")));
        Refused(root => root.AddFirst(new XElement("Purpose", "Recover")));
    }

    private static void Refused(Action<XElement> alter)
    {
        var document = XDocument.Parse(File.ToXml());
        alter(document.Root!);
        Refused(document.ToString());
    }

    private static void Refused(string text)
    {
        Assert.Null(VaultCredentialsFile.TryParse(text, out var reason));
        Assert.False(string.IsNullOrEmpty(reason));
    }
}
