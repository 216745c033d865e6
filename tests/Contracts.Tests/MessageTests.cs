using System.Text.Json;
using MassTransit;
using MassTransit.Serialization;

namespace BackupPlatform.Contracts.Tests;

/// <summary>Messages between services are frozen: a service of yesterday reads what one of today sends, and the other way round.</summary>
public sealed class MessageTests
{
    private static readonly JsonSerializerOptions OnTheBus = new(SystemTextJsonMessageSerializer.Options) { WriteIndented = true };

    public static TheoryData<string> Messages => [.. All.Select(type => type.FullName!)];

    private static IEnumerable<Type> All => typeof(IContract).Assembly.GetTypes()
        .Where(type => type is { IsClass: true } && type.IsAssignableTo(typeof(IContract)));

    [Theory]
    [MemberData(nameof(Messages))]
    public void GivenAMessage_WhenWrittenForTheBus_ThenItIsAsEver(string name)
    {
        var type = TypeOf(name);

        Golden.Matches($"{Name(type)}.json", $"{MessageUrn.ForType(type)}\n{JsonSerializer.Serialize(Sample.Of(type), type, OnTheBus)}");
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void GivenAMessageAsEver_WhenRead_ThenNothingIsLost(string name)
    {
        var type = TypeOf(name);
        var json = string.Join('\n', File.ReadAllLines(Path.Combine(Golden.Folder(), $"{Name(type)}.json")).Skip(1));

        var read = JsonSerializer.Deserialize(json, type, OnTheBus);

        Assert.Equal(json, JsonSerializer.Serialize(read, type, OnTheBus));
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void GivenAMessageWithAFieldThatIsNewToUs_WhenRead_ThenTheFieldIsPassedOver(string name)
    {
        var type = TypeOf(name);
        var json = JsonSerializer.Serialize(Sample.Of(type), type, OnTheBus);
        var newer = json[..json.LastIndexOf('}')] + ",\"notYetKnown\":{\"a\":[1]}}";

        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize(newer, type, OnTheBus), type, OnTheBus));
    }

    [Fact]
    public void GivenTheFrozenMessages_WhenOneIsGone_ThenItIsMissed() => Assert.Equal(
        All.Select(type => $"{Name(type)}.json").Order(StringComparer.Ordinal),
        Directory.GetFiles(Golden.Folder(), "*.json").Select(Path.GetFileName).Order(StringComparer.Ordinal));

    private static Type TypeOf(string name) => typeof(IContract).Assembly.GetType(name, throwOnError: true)!;

    private static string Name(Type type) => type.FullName!["BackupPlatform.Contracts.".Length..];
}
