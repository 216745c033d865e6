namespace BackupPlatform.Agent.Tests;

public sealed class AgentClockTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenAShiftInDevelopment_WhenAskedForTheTime_ThenItIsAdded()
    {
        var clock = AgentClock.Create(Environment("Development", _folder.Write("clock", "P3D\n")));
        Assert.Equal(3, (clock.GetUtcNow() - TimeProvider.System.GetUtcNow()).TotalDays, 0.01);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData(null)]
    public void GivenAShiftElsewhere_WhenAskedForTheTime_ThenItIsIgnored(string? environment) =>
        Assert.Same(TimeProvider.System, AgentClock.Create(Environment(environment, _folder.Write("clock", "P3D"))));

    private static Func<string, string?> Environment(string? environment, string file) => name => name switch
    {
        "DOTNET_ENVIRONMENT" => environment,
        "BACKUP_PLATFORM_CLOCK" => file,
        _ => null,
    };
}
