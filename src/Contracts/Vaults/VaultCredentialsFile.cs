using System.Globalization;
using System.Xml;

namespace BackupPlatform.Contracts.Vaults;

/// <summary>The vault credentials file that an operator downloads and a machine shows (XML, format 1).</summary>
/// <param name="CredentialsId">Which credentials these are.</param>
/// <param name="SubscriptionId">The tenant.</param>
/// <param name="VaultId">The vault that a machine may register with.</param>
/// <param name="VaultName">For people.</param>
/// <param name="IssuedAt">When they were issued, to the second.</param>
/// <param name="ExpiresAt">Until when they open anything, to the second.</param>
/// <param name="RegistrationEndpoint">Where the agent turns to first.</param>
/// <param name="Token">
/// A token signed by the vault service whose claims repeat every field above; what is shown with other fields than its
/// token has been tampered with.
/// </param>
/// <param name="Purpose">What alone they are for; null: for every purpose. Such a file has no element for it, as files of old have none.</param>
public sealed record VaultCredentialsFile(
    Guid CredentialsId,
    Guid SubscriptionId,
    Guid VaultId,
    string VaultName,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt,
    Uri RegistrationEndpoint,
    string Token,
    CredentialsPurpose? Purpose = null)
{
    /// <summary>Whether the credentials may be used for this.</summary>
    public bool IsFor(CredentialsPurpose purpose) => Purpose is null || Purpose == purpose;

    /// <summary>The largest file that is read, in characters.</summary>
    public const int MaxLength = 16 * 1024;

    private const string Root = "VaultCredentials";

    /// <summary>The file's text.</summary>
    public string ToXml()
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true, NewLineChars = "\n" }))
        {
            xml.WriteStartElement(Root);
            xml.WriteAttributeString("version", "1");
            xml.WriteElementString(nameof(CredentialsId), CredentialsId.ToString("D"));
            xml.WriteElementString(nameof(SubscriptionId), SubscriptionId.ToString("D"));
            xml.WriteElementString(nameof(VaultId), VaultId.ToString("D"));
            xml.WriteElementString(nameof(VaultName), VaultName);
            xml.WriteElementString(nameof(IssuedAt), Timestamp(IssuedAt));
            xml.WriteElementString(nameof(ExpiresAt), Timestamp(ExpiresAt));
            if (Purpose is { } purpose)
            {
                xml.WriteElementString(nameof(Purpose), purpose.ToString());
            }

            xml.WriteElementString(nameof(RegistrationEndpoint), RegistrationEndpoint.ToString());
            xml.WriteElementString(nameof(Token), Token);
            xml.WriteEndElement();
        }

        return text + "\n";
    }

    /// <summary>Reads a file that anybody may have made.</summary>
    /// <returns>The credentials, or null with a reason where it is no credentials file.</returns>
    public static VaultCredentialsFile? TryParse(string xml, out string? reason)
    {
        reason = null;
        if (xml.Length > MaxLength)
        {
            reason = $"it is longer than {MaxLength} characters";
            return null;
        }

        try
        {
            return Parse(xml);
        }
        catch (Exception e) when (e is XmlException or FormatException or InvalidOperationException or ArgumentException)
        {
            reason = e.Message;
            return null;
        }
    }

    private static VaultCredentialsFile Parse(string xml)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreWhitespace = true,
            MaxCharactersInDocument = MaxLength,
        };
        using var reader = XmlReader.Create(new StringReader(xml), settings);
        reader.MoveToContent();
        if (reader.GetAttribute("version") != "1")
        {
            throw new FormatException("it is no vault credentials file of format 1");
        }

        reader.ReadStartElement(Root, "");
        var file = new VaultCredentialsFile(
            Guid.ParseExact(reader.ReadElementContentAsString(nameof(CredentialsId), ""), "D"),
            Guid.ParseExact(reader.ReadElementContentAsString(nameof(SubscriptionId), ""), "D"),
            Guid.ParseExact(reader.ReadElementContentAsString(nameof(VaultId), ""), "D"),
            reader.ReadElementContentAsString(nameof(VaultName), ""),
            ParseTimestamp(reader.ReadElementContentAsString(nameof(IssuedAt), "")),
            ParseTimestamp(reader.ReadElementContentAsString(nameof(ExpiresAt), "")),
            Purpose: ParsePurpose(reader),
            RegistrationEndpoint: new Uri(reader.ReadElementContentAsString(nameof(RegistrationEndpoint), ""), UriKind.Absolute),
            Token: reader.ReadElementContentAsString(nameof(Token), ""));
        reader.ReadEndElement();
        return file;
    }

    private static CredentialsPurpose? ParsePurpose(XmlReader reader) => !reader.IsStartElement(nameof(Purpose), "")
        ? null
        : reader.ReadElementContentAsString(nameof(Purpose), "") switch
        {
            nameof(CredentialsPurpose.Register) => CredentialsPurpose.Register,
            nameof(CredentialsPurpose.Recover) => CredentialsPurpose.Recover,
            _ => throw new FormatException("its purpose is not known"),
        };

    private const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static string Timestamp(DateTimeOffset at) =>
        at.UtcDateTime.ToString(TimestampFormat, CultureInfo.InvariantCulture);

    private static DateTimeOffset ParseTimestamp(string text) => DateTimeOffset.ParseExact(
        text, TimestampFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
