using System.Text.Json;
using System.Text.Json.Serialization;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.Contracts.Tests;

/// <summary>Documents of the API, as agents, services and scripts read them.</summary>
public sealed class DocumentTests
{
    public static TheoryData<string> Documents => [.. Roots.Select(type => type.ToString())];

    /// <summary>Whatever the serializer was told of by name.</summary>
    private static Type[] Roots =>
    [
        .. typeof(ContractsJson).GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
            .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!),
    ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void GivenADocument_WhenWrittenAndRead_ThenNothingIsLost(string name)
    {
        var type = Roots.Single(root => root.ToString() == name);
        foreach (var withNulls in new[] { false, true })
        {
            var json = JsonSerializer.Serialize(Sample.Of(type, withNulls), type, ContractsJson.Default);

            var read = JsonSerializer.Deserialize(json, type, ContractsJson.Default);

            Assert.Equal(json, JsonSerializer.Serialize(read, type, ContractsJson.Default));
        }
    }

    [Fact]
    public void GivenAVault_WhenWritten_ThenNamesAreCamelCaseAndEnumsAreWords() => Assert.Equal(
        """{"id":"00000000-0000-0000-0000-000000000001","subscriptionId":"00000000-0000-0000-0000-000000000002","name":"v","redundancy":"GRS","createdAt":"2026-03-01T12:00:00+00:00"}""",
        JsonSerializer.Serialize(
            new VaultDocument(
                new Guid(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), new Guid(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2), "v", Redundancy.GRS,
                new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)),
            ContractsJson.Default.VaultDocument));

    [Fact]
    public void GivenAPage_WhenItIsTheLast_ThenNextIsWrittenAsNull() => Assert.Equal(
        """{"items":[],"next":null}""",
        JsonSerializer.Serialize(new Page<RecoveryPointDocument>([], null), ContractsJson.Default.PageRecoveryPointDocument));

    [Fact]
    public void GivenAProblemWithoutFields_WhenWritten_ThenErrorsAreLeftOut() => Assert.Equal(
        """{"code":"not-found","title":"not found","status":404,"detail":"There is no such vault."}""",
        JsonSerializer.Serialize(
            new ProblemDocument(ProblemCodes.NotFound, "not found", 404, "There is no such vault."), ContractsJson.Default.ProblemDocument));

    [Fact]
    public void GivenAMachineAndANonce_WhenToBeSigned_ThenTheTextIsAsEver() => Assert.Equal(
        "backup-platform machine token v1\n0197f000-0000-7000-8000-00000000000a\nNONCE",
        MachineTokenChallenge.Message(Guid.Parse("0197F000-0000-7000-8000-00000000000A"), "NONCE"));
}
